#include "pipelines/transcode/waveform.h"

#include <math.h>

typedef struct {
    float low, high;
} Piece;

struct MnbWaveform {
    int rate;
    gsize channels;
    gsize piece_frames; /* how long a piece is */
    gsize n_frames;     /* in the piece that is being filled */
    Piece open;
    GArray *pieces;
};

MnbWaveform *mnb_waveform_new(int rate, int channels)
{
    MnbWaveform *waveform = g_new0(MnbWaveform, 1);
    waveform->rate = rate;
    waveform->channels = (gsize)MAX(channels, 1);
    waveform->piece_frames = MNB_WAVEFORM_FRAMES;
    waveform->pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
    return waveform;
}

void mnb_waveform_free(MnbWaveform *waveform)
{
    if (waveform == NULL)
        return;
    g_array_unref(waveform->pieces);
    g_free(waveform);
}

static Piece both(Piece left, Piece right)
{
    return (Piece){fminf(left.low, right.low), fmaxf(left.high, right.high)};
}

static void halve(MnbWaveform *waveform)
{
    GArray *pieces = waveform->pieces;
    guint n = pieces->len / 2;
    for (guint i = 0; i < n; i++)
        g_array_index(pieces, Piece, i) =
            both(g_array_index(pieces, Piece, 2 * i), g_array_index(pieces, Piece, 2 * i + 1));
    g_array_set_size(pieces, n);
    waveform->piece_frames *= 2;
}

static void close_piece(MnbWaveform *waveform)
{
    g_array_append_val(waveform->pieces, waveform->open);
    waveform->n_frames = 0;
    waveform->open = (Piece){0};
    if (waveform->pieces->len >= MNB_WAVEFORM_MAX) /* an even number */
        halve(waveform);
}

void mnb_waveform_add(MnbWaveform *waveform, const float *samples, gsize frames)
{
    while (frames > 0) {
        gsize n = MIN(frames, waveform->piece_frames - waveform->n_frames);
        float low = waveform->open.low, high = waveform->open.high;
        for (gsize i = 0; i < n * waveform->channels; i++) {
            low = samples[i] < low ? samples[i] : low; /* what is no number changes nothing */
            high = samples[i] > high ? samples[i] : high;
        }
        waveform->open = (Piece){low, high};
        samples += n * waveform->channels;
        frames -= n;
        waveform->n_frames += n;
        if (waveform->n_frames == waveform->piece_frames)
            close_piece(waveform);
    }
}

guint mnb_waveform_count(const MnbWaveform *waveform)
{
    return waveform->pieces->len;
}

/* -128 to 127; what is no number is silence. */
static int to_byte(float value)
{
    if (!isfinite(value))
        return 0;
    return CLAMP((int)lroundf(CLAMP(value, -2.0f, 2.0f) * 127), -128, 127);
}

char *mnb_waveform_to_json(const MnbWaveform *waveform)
{
    const GArray *pieces = waveform->pieces;
    GString *text = g_string_new(NULL);
    g_string_append_printf(text,
                           "{\"version\":2,\"channels\":1,\"sample_rate\":%d,"
                           "\"samples_per_pixel\":%d,\"bits\":8,\"length\":%u,\"data\":[",
                           waveform->rate, (int)waveform->piece_frames, pieces->len);
    for (guint i = 0; i < pieces->len; i++) {
        Piece piece = g_array_index(pieces, Piece, i);
        g_string_append_printf(text, "%s%d,%d", i > 0 ? "," : "", to_byte(piece.low),
                               to_byte(piece.high));
    }
    g_string_append(text, "]}\n");
    return g_string_free(text, FALSE);
}
