#include "pipelines/ingest/command.h"

#include "pipelines/common/lines.h"
#include "pipelines/ingest/stream-key.h"

#include <string.h>

#define URL_MAX        1024
#define NAME_MAX_BYTES 400

static gboolean fail(const char **reason_out, const char *reason)
{
    *reason_out = reason;
    return FALSE;
}

static gboolean is_hash(const char *text)
{
    return text != NULL && strlen(text) == MNB_STREAM_KEY_HASH &&
           strspn(text, "0123456789abcdef") == MNB_STREAM_KEY_HASH;
}

static gboolean check_srt(const MnbSourceConfig *source, const char **reason_out)
{
    gsize length = source->passphrase != NULL ? strlen(source->passphrase) : 0;
    if (source->address == NULL || source->port < 1 || source->port > 65535)
        return fail(reason_out, "an SRT listener needs an address and a port");
    if (length < 10 || length > 79)
        return fail(reason_out, "a passphrase has 10 to 79 characters");
    if (!is_hash(source->key_hash))
        return fail(reason_out, "key_sha256 is not a SHA-256");
    return TRUE;
}

static gboolean check_url(const MnbSourceConfig *source, const char **reason_out)
{
    const char *scheme = source->kind == MNB_SOURCE_RTMP ? "rtmp://" : "rtsp://";
    if (!mnb_line_is_text(source->url, URL_MAX) || !g_str_has_prefix(source->url, scheme))
        return fail(reason_out, "the url is not one of this kind");
    return TRUE;
}

static gboolean parse_start(json_t *object, MnbIngestCommand *out, const char **reason_out)
{
    static const char *const kinds[] = {"srt", "rtmp", "rtsp"};
    MnbSourceConfig *source = &out->source;
    MnbOutletOptions *outlet = &out->outlet;
    const char *kind = NULL;
    source->latency_ms = 500;
    if (json_unpack(object, "{s:s, s?s, s?i, s?i, s?s, s?s, s?s, s:i, s:i, s:i, s:s}", "source",
                    &kind, "address", &source->address, "port", &source->port, "latency_ms",
                    &source->latency_ms, "passphrase", &source->passphrase, "key_sha256",
                    &source->key_hash, "url", &source->url, "width", &outlet->width, "height",
                    &outlet->height, "bitrate_bps", &outlet->bitrate_bps, "name",
                    &outlet->name) != 0)
        return fail(reason_out, "start lacks a field, or one is of the wrong type");
    guint i = 0;
    while (i < G_N_ELEMENTS(kinds) && strcmp(kinds[i], kind) != 0)
        i++;
    if (i == G_N_ELEMENTS(kinds))
        return fail(reason_out, "the source is srt, rtmp or rtsp");
    source->kind = (MnbSourceKind)i;
    if (outlet->width < 160 || outlet->width > 1920 || outlet->height < 90 ||
        outlet->height > 1080 || outlet->width % 2 != 0 || outlet->height % 2 != 0)
        return fail(reason_out, "width and height are even, 160x90 to 1920x1080");
    if (outlet->bitrate_bps < 100000 || outlet->bitrate_bps > 10000000)
        return fail(reason_out, "bitrate_bps is 100000 to 10000000");
    if (source->latency_ms < 20 || source->latency_ms > 8000)
        return fail(reason_out, "latency_ms is 20 to 8000");
    if (!mnb_line_is_text(outlet->name, NAME_MAX_BYTES))
        return fail(reason_out, "the name is not text");
    return source->kind == MNB_SOURCE_SRT ? check_srt(source, reason_out)
                                          : check_url(source, reason_out);
}

static gboolean parse_live(json_t *object, MnbIngestCommand *out, const char **reason_out)
{
    json_int_t video = 0, audio = 0;
    int is_live = 0;
    if (json_unpack(object, "{s:b, s?I, s?I}", "on", &is_live, "video_track", &video, "audio_track",
                    &audio) != 0 ||
        video < 0 || video > G_MAXUINT32 || audio < 0 || audio > G_MAXUINT32 ||
        (is_live && (video == 0 || audio == 0)))
        return fail(reason_out, "live needs on, and then the ids of two tracks");
    out->is_live = is_live;
    out->video = (guint32)video;
    out->audio = (guint32)audio;
    return TRUE;
}

gboolean mnb_ingest_command_parse(json_t *object, MnbIngestCommand *out, const char **reason_out)
{
    const char *what = NULL;
    memset(out, 0, sizeof *out);
    if (json_unpack(object, "{s:s}", "do", &what) != 0)
        return fail(reason_out, "no do");
    if (strcmp(what, "start") == 0) {
        out->what = MNB_INGEST_START;
        return parse_start(object, out, reason_out);
    }
    if (strcmp(what, "live") == 0) {
        out->what = MNB_INGEST_LIVE;
        return parse_live(object, out, reason_out);
    }
    if (strcmp(what, "key-frame") == 0)
        out->what = MNB_INGEST_KEY_FRAME;
    else if (strcmp(what, "stop") == 0)
        out->what = MNB_INGEST_STOP;
    else
        return fail(reason_out, "do is start, live, key-frame or stop");
    return TRUE;
}
