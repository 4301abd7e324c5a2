#include "pipelines/transcode/ladder.h"

#include <math.h>
#include <string.h>

#define FPS_MAX 30.5
#define FPS_MIN 8.0

static const struct {
    int n, d;
} rates[] = {{10, 1},       {12, 1}, {25, 2}, {15, 1},       {20, 1},
             {24000, 1001}, {24, 1}, {25, 1}, {30000, 1001}, {30, 1}};

static int even(double value)
{
    return MAX((int)lround(value / 2) * 2, 2);
}

/* Phones write averages such as 29.83: the nearest usual rate; half of it above 30. */
static void choose_rate(const MnbFilmInfo *info, int *n, int *d)
{
    double fps = info->fps_n > 0 && info->fps_d > 0 ? (double)info->fps_n / info->fps_d : 25;
    while (fps > FPS_MAX)
        fps /= 2;
    fps = MAX(fps, FPS_MIN);
    double best = 0.03;
    *n = (int)lround(fps);
    *d = 1;
    for (gsize i = 0; i < G_N_ELEMENTS(rates); i++) {
        double apart = fabs((double)rates[i].n / rates[i].d / fps - 1);
        if (apart < best) {
            best = apart;
            *n = rates[i].n;
            *d = rates[i].d;
        }
    }
}

static int bitrate_kbps(const MnbRung *rung, gboolean is_low)
{
    double fps = (double)rung->fps_n / rung->fps_d;
    double pixels = (double)rung->width * rung->height / (1280 * 720);
    if (is_low)
        return 80;
    return MAX((int)lround(2500 * pow(pixels, 0.85) * sqrt(MIN(fps, 30) / 25)), 100);
}

static void add_rung(MnbLadder *ladder, const MnbFilmInfo *info, int side, int n, int d)
{
    MnbRung *rung = &ladder->rungs[ladder->n_rungs++];
    int shorter = MIN(info->width, info->height);
    double scale = (double)side / shorter;
    g_snprintf(rung->name, sizeof rung->name, "%dp", side);
    rung->width = even(info->width * scale);
    rung->height = even(info->height * scale);
    rung->is_low = side <= 144;
    /* Few bits are better spent on fewer pictures, when there are enough of them. */
    gboolean is_halved = rung->is_low && n >= 20 * d;
    rung->fps_n = n;
    rung->fps_d = is_halved ? d * 2 : d;
    int frames = (int)lround((double)n / d * MNB_SEGMENT_S / 2) * 2;
    rung->key_frames = is_halved ? frames / 2 : frames;
    rung->bitrate_kbps = bitrate_kbps(rung, rung->is_low);
    rung->quality = rung->is_low ? 27 : 23;
}

void mnb_ladder_make(const MnbFilmInfo *info, MnbLadder *ladder_out)
{
    static const int sides[] = {720, 360, 144};
    *ladder_out = (MnbLadder){0};
    if (!info->has_video)
        return;
    int n, d;
    choose_rate(info, &n, &d);
    int shorter = MIN(info->width, info->height);
    int top = MIN(shorter, 1080) & ~1;
    add_rung(ladder_out, info, top, n, d);
    for (gsize i = 0; i < G_N_ELEMENTS(sides); i++)
        if (sides[i] < top * 9 / 10)
            add_rung(ladder_out, info, sides[i], n, d);
    g_strlcpy(ladder_out->colorimetry, info->colorimetry, sizeof ladder_out->colorimetry);
}
