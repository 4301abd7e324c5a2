#include "server/rooms/sdp.h"
#include "server/rooms/rooms.h"
#include <gst/sdp/sdp.h>
#include <string.h>

#define FORMATS_MAX 64   /* payload types of one m-line */
#define LINES_MAX   4000 /* the longest offer seen has 600 */
#define NO_PT       128

/* What the attributes of one m-line say about one payload type. */
typedef struct {
    gboolean is_in_media_line;
    char name[16];
    guint clock_rate, channels;
    guint apt; /* of rtx */
    guint packetization_mode;
    char profile[8];
    gboolean has_nack, has_pli, has_fir, has_twcc;
} PayloadType;

typedef struct {
    const char *text; /* the whole SDP, to name a line of it */
    gsize text_len;
    const GstSDPMedia *media;
    guint index; /* of the m-line, from 1 */
    gboolean has_mux, has_bundle_only;
    const char *ufrag, *pwd, *fingerprint, *setup;
    const char *simulcast;
    GPtrArray *rids; /* borrowed texts of a=rid */
    guint32 first_ssrc, group_ssrc, group_rtx;
    PayloadType pts[NO_PT];
} MediaReader;

static const struct {
    const char *uri;
    gsize offset; /* in MnbExtensionIds */
} extensions[] = {
    {"urn:ietf:params:rtp-hdrext:sdes:mid", offsetof(MnbExtensionIds, mid)},
    {"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", offsetof(MnbExtensionIds, rid)},
    {"urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
     offsetof(MnbExtensionIds, repaired_rid)},
    {"urn:ietf:params:rtp-hdrext:ssrc-audio-level", offsetof(MnbExtensionIds, audio_level)},
    {"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
     offsetof(MnbExtensionIds, twcc)},
};

static gboolean fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean fail(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_BAD_SDP, text);
    return FALSE;
}

/* Where a fault is: the first line of m-line @index that begins with @prefix ("a=setup:"), else the
 * one before all m-lines (its default), else the m-line. Returns: from 1 on. */
static guint find_line(const MediaReader *reader, const char *prefix)
{
    const char *end = reader->text + reader->text_len;
    gsize prefix_len = strlen(prefix);
    guint number = 0;
    guint media = 0;
    guint common = 0;
    guint media_line = 0;
    for (const char *line = reader->text; line < end && media <= reader->index;) {
        const char *stop = memchr(line, '\n', (gsize)(end - line));
        gsize len = (gsize)((stop != NULL ? stop : end) - line);
        number++;
        if (len >= 2 && line[0] == 'm' && line[1] == '=' && ++media == reader->index)
            media_line = number;
        if (prefix_len > 0 && len >= prefix_len && memcmp(line, prefix, prefix_len) == 0) {
            if (media == reader->index)
                return number;
            if (media == 0 && common == 0)
                common = number;
        }
        line += len + 1;
    }
    return common != 0 ? common : media_line;
}

static gboolean fail_at(const MediaReader *reader, const char *prefix, GError **error,
                        const char *format, ...) G_GNUC_PRINTF(4, 5);

/* As fail(), naming the line: see find_line(). */
static gboolean fail_at(const MediaReader *reader, const char *prefix, GError **error,
                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return fail(error, "line %u (m-line %u): %s", find_line(reader, prefix), reader->index, text);
}

/* RFC 4566 token: what a mid, rid, media type or payload name is made of. */
static gboolean is_token(const char *text, gsize max)
{
    gsize len = strlen(text);
    if (len == 0 || len > max)
        return FALSE;
    for (const char *c = text; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c) && strchr("!#$%&'*+-.^_`{|}~", *c) == NULL)
            return FALSE;
    return TRUE;
}

static gboolean is_ice_text(const char *text, gsize min, gsize max)
{
    gsize len = text != NULL ? strlen(text) : 0;
    if (len < min || len > max)
        return FALSE;
    for (const char *c = text; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c) && *c != '+' && *c != '/' && *c != '-' && *c != '_')
            return FALSE;
    return TRUE;
}

/* Reads a decimal number up to @max and the character behind it. */
static gboolean read_number(const char **at, guint max, guint *out)
{
    const char *c = *at;
    guint64 value = 0;
    if (!g_ascii_isdigit(*c))
        return FALSE;
    for (; g_ascii_isdigit(*c); c++) {
        value = value * 10 + (guint)(*c - '0');
        if (value > max)
            return FALSE;
    }
    *out = (guint)value;
    *at = c;
    return TRUE;
}

static const char *skip_spaces(const char *at)
{
    while (*at == ' ')
        at++;
    return at;
}

/* Bounds first, so that GstSDP never sees something huge. */
static gboolean check_size(const char *text, gsize len, GError **error)
{
    if (len > MNB_SDP_MAX)
        return fail(error, "the SDP is longer than %d bytes", MNB_SDP_MAX);
    if (len < 2 || memcmp(text, "v=", 2) != 0)
        return fail(error, "the SDP does not begin with a v= line");
    if (memchr(text, '\0', len) != NULL)
        return fail(error, "the SDP has a NUL byte");
    guint lines = 0;
    guint media = 0;
    const char *end = text + len;
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (gsize)(end - line));
        if (stop == NULL)
            stop = end;
        lines++;
        if (stop - line > MNB_SDP_LINE_MAX)
            return fail(error, "line %u is longer than %d bytes", lines, MNB_SDP_LINE_MAX);
        if (stop - line > 1 && line[0] == 'm' && line[1] == '=')
            media++;
        line = stop + 1;
    }
    if (lines > LINES_MAX)
        return fail(error, "the SDP has more than %d lines", LINES_MAX);
    if (media == 0)
        return fail(error, "the SDP has no m-line");
    if (media > MNB_SDP_MEDIA_MAX)
        return fail(error, "the SDP has more than %d m-lines", MNB_SDP_MEDIA_MAX);
    return TRUE;
}

/* "97 apt=96", "102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f" */
static void read_fmtp(MediaReader *reader, const char *value)
{
    guint pt;
    if (!read_number(&value, NO_PT - 1, &pt))
        return;
    PayloadType *type = &reader->pts[pt];
    for (value = skip_spaces(value); *value != '\0';) {
        gsize len = strcspn(value, ";");
        const char *number = memchr(value, '=', len);
        if (number != NULL) {
            gsize key = (gsize)(number - value);
            number++;
            if (key == 3 && g_ascii_strncasecmp(value, "apt", 3) == 0)
                read_number(&number, NO_PT - 1, &type->apt);
            else if (key == 18 && g_ascii_strncasecmp(value, "packetization-mode", 18) == 0)
                read_number(&number, 2, &type->packetization_mode);
            else if (key == 16 && g_ascii_strncasecmp(value, "profile-level-id", 16) == 0) {
                gsize digits = strspn(number, "0123456789abcdefABCDEF");
                if (digits == 6) {
                    g_autofree char *lower = g_ascii_strdown(number, 6);
                    g_strlcpy(type->profile, lower, sizeof type->profile);
                }
            }
        }
        value += len;
        while (*value == ';' || *value == ' ')
            value++;
    }
}

/* "111 opus/48000/2" */
static void read_rtpmap(MediaReader *reader, const char *value)
{
    guint pt;
    if (!read_number(&value, NO_PT - 1, &pt) || *value != ' ')
        return;
    value = skip_spaces(value);
    PayloadType *type = &reader->pts[pt];
    gsize len = strcspn(value, "/");
    if (len == 0 || len >= sizeof type->name || value[len] != '/')
        return;
    memcpy(type->name, value, len);
    type->name[len] = '\0';
    value += len + 1;
    type->channels = 1;
    if (read_number(&value, 1000000, &type->clock_rate) && *value == '/') {
        value++;
        read_number(&value, 255, &type->channels);
    }
}

static void note_feedback(PayloadType *type, const char *what)
{
    if (strcmp(what, "nack") == 0)
        type->has_nack = TRUE;
    else if (strcmp(what, "nack pli") == 0)
        type->has_pli = TRUE;
    else if (strcmp(what, "ccm fir") == 0)
        type->has_fir = TRUE;
    else if (strcmp(what, "transport-cc") == 0)
        type->has_twcc = TRUE;
}

/* "96 nack pli" or "* nack pli" */
static void read_rtcp_fb(MediaReader *reader, const char *value)
{
    guint pt;
    if (value[0] == '*' && value[1] == ' ') {
        for (pt = 0; pt < NO_PT; pt++)
            if (reader->pts[pt].is_in_media_line)
                note_feedback(&reader->pts[pt], value + 2);
    } else if (read_number(&value, NO_PT - 1, &pt) && *value == ' ') {
        note_feedback(&reader->pts[pt], skip_spaces(value));
    }
}

/* "3 urn:..." or "3/sendonly urn:..."; ids above 14 exist in the two-byte form only and we do not
 * ask for that. */
static void read_extmap(MnbSdpMedia *out, const char *value)
{
    guint id;
    if (!read_number(&value, 14, &id) || id == 0)
        return;
    gboolean may_send = TRUE;
    gboolean may_receive = TRUE;
    gboolean is_directed = *value == '/';
    if (is_directed) {
        may_send = g_str_has_prefix(value, "/sendonly ") || g_str_has_prefix(value, "/sendrecv ");
        may_receive =
            g_str_has_prefix(value, "/recvonly ") || g_str_has_prefix(value, "/sendrecv ");
        value += strcspn(value, " ");
    }
    value = skip_spaces(value);
    gsize len = strcspn(value, " ");
    for (guint i = 0; i < G_N_ELEMENTS(extensions); i++) {
        if (strlen(extensions[i].uri) != len || memcmp(extensions[i].uri, value, len) != 0)
            continue;
        guint8 *send = (guint8 *)&out->sends + extensions[i].offset;
        guint8 *receive = (guint8 *)&out->receives + extensions[i].offset;
        if (may_send)
            *send = (guint8)id;
        if (may_receive)
            *receive = (guint8)id;
        if (is_directed && may_send != may_receive)
            out->directed |= 1u << extensions[i].offset;
    }
}

static void read_ssrc(MediaReader *reader, const char *value)
{
    guint ssrc;
    if (reader->first_ssrc == 0 && read_number(&value, G_MAXUINT32, &ssrc))
        reader->first_ssrc = ssrc;
}

/* "FID media rtx": the first group counts; with simulcast the layers are found by rid. */
static void read_ssrc_group(MediaReader *reader, const char *value)
{
    guint media, rtx;
    if (reader->group_ssrc != 0 || !g_str_has_prefix(value, "FID "))
        return;
    value = skip_spaces(value + 4);
    if (!read_number(&value, G_MAXUINT32, &media))
        return;
    value = skip_spaces(value);
    if (!read_number(&value, G_MAXUINT32, &rtx) || media == 0 || rtx == 0 || media == rtx)
        return;
    reader->group_ssrc = media;
    reader->group_rtx = rtx;
}

static gboolean read_direction(const char *key, MnbSdpDirection *out)
{
    static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(key, names[i]) == 0) {
            *out = (MnbSdpDirection)i;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean read_attribute(MediaReader *reader, MnbSdpMedia *out, const char *key,
                               const char *value, GError **error)
{
    if (read_direction(key, &out->direction))
        return TRUE;
    if (strcmp(key, "mid") == 0) {
        if (!is_token(value, MNB_MID_MAX - 1))
            return fail_at(reader, "a=mid:", error, "a=mid is not a token of 1 to %d characters",
                           MNB_MID_MAX - 1);
        g_strlcpy(out->mid, value, sizeof out->mid);
    } else if (strcmp(key, "rtpmap") == 0) {
        read_rtpmap(reader, value);
    } else if (strcmp(key, "fmtp") == 0) {
        read_fmtp(reader, value);
    } else if (strcmp(key, "rtcp-fb") == 0) {
        read_rtcp_fb(reader, value);
    } else if (strcmp(key, "extmap") == 0) {
        read_extmap(out, value);
    } else if (strcmp(key, "ssrc") == 0) {
        read_ssrc(reader, value);
    } else if (strcmp(key, "ssrc-group") == 0) {
        read_ssrc_group(reader, value);
    } else if (strcmp(key, "rid") == 0) {
        g_ptr_array_add(reader->rids, (gpointer)value);
    } else if (strcmp(key, "simulcast") == 0) {
        reader->simulcast = value;
    } else if (strcmp(key, "rtcp-mux") == 0) {
        reader->has_mux = TRUE;
    } else if (strcmp(key, "bundle-only") == 0) {
        reader->has_bundle_only = TRUE;
    } else if (strcmp(key, "ice-ufrag") == 0) {
        reader->ufrag = value;
    } else if (strcmp(key, "ice-pwd") == 0) {
        reader->pwd = value;
    } else if (strcmp(key, "setup") == 0) {
        reader->setup = value;
    } else if (strcmp(key, "fingerprint") == 0) {
        /* The first SHA-256 counts; a second hash of the same certificate is allowed (RFC 8122). */
        if (reader->fingerprint == NULL ||
            g_ascii_strncasecmp(reader->fingerprint, "sha-256 ", 8) != 0)
            reader->fingerprint = value;
    }
    return TRUE;
}

/* The rank of an H264 payload type: constrained baseline, baseline, the rest; 0: not for us. */
static guint h264_rank(const PayloadType *type)
{
    if (type->packetization_mode != 1)
        return 0;
    if (type->profile[0] == '\0')
        return 2; /* RFC 6184: baseline when not said */
    if (memcmp(type->profile, "42", 2) != 0)
        return 1;
    return strchr("4567cdef", type->profile[2]) != NULL ? 3 : 2;
}

static MnbCodec codec_of(const PayloadType *type, gboolean is_video)
{
    if (!is_video)
        return g_ascii_strcasecmp(type->name, "opus") == 0 && type->clock_rate == 48000 &&
                       type->channels == 2
                   ? MNB_CODEC_OPUS
                   : MNB_CODEC_NONE;
    if (type->clock_rate != 90000)
        return MNB_CODEC_NONE;
    if (g_ascii_strcasecmp(type->name, "VP8") == 0)
        return MNB_CODEC_VP8;
    if (g_ascii_strcasecmp(type->name, "H264") == 0 && h264_rank(type) > 0)
        return MNB_CODEC_H264;
    return MNB_CODEC_NONE;
}

/* Payload types 64 to 95 look like RTCP where both share a port (RFC 5761). */
static gboolean is_usable_pt(guint pt)
{
    return pt > 0 && pt < NO_PT && (pt < 64 || pt > 95);
}

static void collect_codecs(MediaReader *reader, MnbSdpMedia *out)
{
    guint best_h264 = 0;
    guint formats = gst_sdp_media_formats_len(reader->media);
    for (guint i = 0; i < formats; i++) {
        const char *format = gst_sdp_media_get_format(reader->media, i);
        guint pt;
        if (!read_number(&format, NO_PT - 1, &pt) || *format != '\0' || !is_usable_pt(pt))
            continue;
        const PayloadType *type = &reader->pts[pt];
        MnbCodec codec = codec_of(type, out->is_video);
        MnbSdpCodec *entry = &out->codecs[codec];
        if (codec == MNB_CODEC_NONE)
            continue;
        if (codec == MNB_CODEC_H264) {
            if (h264_rank(type) <= best_h264)
                continue;
            best_h264 = h264_rank(type);
        } else if (entry->pt != 0) {
            continue;
        }
        *entry = (MnbSdpCodec){
            .pt = (guint8)pt,
            .has_nack = type->has_nack,
            .has_pli = type->has_pli,
            .has_fir = type->has_fir,
            .has_twcc = type->has_twcc,
        };
        g_strlcpy(entry->profile, type->profile, sizeof entry->profile);
    }
    for (guint pt = 1; pt < NO_PT; pt++) {
        const PayloadType *type = &reader->pts[pt];
        if (!type->is_in_media_line || !is_usable_pt(pt) ||
            g_ascii_strcasecmp(type->name, "rtx") != 0)
            continue;
        for (guint codec = 1; codec < MNB_CODEC_COUNT; codec++)
            if (out->codecs[codec].pt != 0 && out->codecs[codec].pt == type->apt &&
                out->codecs[codec].rtx_pt == 0)
                out->codecs[codec].rtx_pt = (guint8)pt;
    }
}

static gboolean is_declared_rid(const MediaReader *reader, const char *rid)
{
    gsize len = strlen(rid);
    for (guint i = 0; i < reader->rids->len; i++) {
        const char *value = g_ptr_array_index(reader->rids, i);
        if (strncmp(value, rid, len) == 0 && g_str_has_prefix(value + len, " send"))
            return TRUE;
    }
    return FALSE;
}

/* Browsers and encoders name q, h, f with f the largest, and list them in either order. */
static gboolean is_largest_first(const MnbSdpMedia *out)
{
    return out->layers > 1 && (strcmp(out->rids[0], "f") == 0 || strcmp(out->rids[0], "hi") == 0 ||
                               strcmp(out->rids[0], "high") == 0);
}

/* "send q;h;f": of alternatives (q1,q2) the first; "~" means paused at first. */
static void collect_layers(MediaReader *reader, MnbSdpMedia *out)
{
    if (reader->simulcast == NULL || !out->is_video || out->sends.rid == 0 || out->sends.mid == 0)
        return;
    const char *list = strstr(reader->simulcast, "send ");
    if (list == NULL)
        return;
    list = skip_spaces(list + 5);
    g_autofree char *text = g_strndup(list, strcspn(list, " "));
    g_auto(GStrv) layers = g_strsplit(text, ";", 16);
    for (guint i = 0; layers[i] != NULL && out->layers < MNB_SDP_LAYERS_MAX; i++) {
        char *rid = layers[i];
        rid[strcspn(rid, ",")] = '\0';
        if (*rid == '~')
            rid++;
        gboolean is_known = FALSE;
        for (guint k = 0; k < out->layers; k++)
            is_known = is_known || strcmp(out->rids[k], rid) == 0;
        if (is_known || !is_token(rid, MNB_MID_MAX - 1) || !is_declared_rid(reader, rid))
            continue;
        g_strlcpy(out->rids[out->layers++], rid, MNB_MID_MAX);
    }
    if (is_largest_first(out)) {
        for (guint i = 0; i < out->layers / 2; i++) {
            char swap[MNB_MID_MAX];
            memcpy(swap, out->rids[i], MNB_MID_MAX);
            memcpy(out->rids[i], out->rids[out->layers - 1 - i], MNB_MID_MAX);
            memcpy(out->rids[out->layers - 1 - i], swap, MNB_MID_MAX);
        }
    }
}

static gboolean parse_fingerprint(const char *text, guint8 out[MNB_FINGERPRINT_BYTES])
{
    if (g_ascii_strncasecmp(text, "sha-256 ", 8) != 0)
        return FALSE;
    text = skip_spaces(text + 8);
    for (guint i = 0; i < MNB_FINGERPRINT_BYTES; i++) {
        if (!g_ascii_isxdigit(text[0]) || !g_ascii_isxdigit(text[1]))
            return FALSE;
        out[i] = (guint8)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
        text += 2;
        if (i + 1 < MNB_FINGERPRINT_BYTES && *text++ != ':')
            return FALSE;
    }
    return *text == '\0' || *text == ' ';
}

/* With BUNDLE the m-lines that are used share one transport: take it from the first and see that
 * the others agree. */
static gboolean take_transport(MnbSdp *sdp, const MediaReader *reader, gboolean *has_transport,
                               MnbSdpType type, GError **error)
{
    guint8 fingerprint[MNB_FINGERPRINT_BYTES];
    if (!is_ice_text(reader->ufrag, 4, MNB_ICE_UFRAG_MAX - 1))
        return fail_at(reader, "a=ice-ufrag:", error,
                       "a=ice-ufrag is missing, or not of 4 to %d characters",
                       MNB_ICE_UFRAG_MAX - 1);
    if (!is_ice_text(reader->pwd, 22, 256))
        return fail_at(reader, "a=ice-pwd:", error,
                       "a=ice-pwd is missing or shorter than 22 characters");
    if (reader->fingerprint == NULL || !parse_fingerprint(reader->fingerprint, fingerprint))
        return fail_at(reader, "a=fingerprint:", error,
                       "a=fingerprint:sha-256 with 32 bytes is missing");
    if (reader->setup != NULL && strcmp(reader->setup, "active") != 0 &&
        (type == MNB_SDP_ANSWER || strcmp(reader->setup, "actpass") != 0))
        return fail_at(reader, "a=setup:", error,
                       "a=setup must be %s: the server is always passive",
                       type == MNB_SDP_OFFER ? "actpass or active" : "active");
    if (!reader->has_mux)
        return fail_at(reader, "", error, "a=rtcp-mux is missing");
    if (!*has_transport) {
        g_strlcpy(sdp->ufrag, reader->ufrag, sizeof sdp->ufrag);
        g_strlcpy(sdp->pwd, reader->pwd, sizeof sdp->pwd);
        memcpy(sdp->fingerprint, fingerprint, sizeof fingerprint);
        *has_transport = TRUE;
        return TRUE;
    }
    if (strcmp(sdp->ufrag, reader->ufrag) != 0 ||
        memcmp(sdp->fingerprint, fingerprint, sizeof fingerprint) != 0)
        return fail_at(reader, "a=ice-ufrag:", error,
                       "another ice-ufrag or fingerprint than before: "
                       "all m-lines must share one transport (BUNDLE)");
    return TRUE;
}

static gboolean is_bundled(const char *bundle, const char *mid)
{
    gsize len = strlen(mid);
    for (const char *at = bundle; at != NULL && (at = strstr(at, mid)) != NULL; at += len)
        if (at > bundle && at[-1] == ' ' && (at[len] == ' ' || at[len] == '\0'))
            return TRUE;
    return FALSE;
}

static gboolean is_media_protocol(const char *proto)
{
    return strcmp(proto, "UDP/TLS/RTP/SAVPF") == 0 || strcmp(proto, "TCP/DTLS/RTP/SAVPF") == 0 ||
           strcmp(proto, "TCP/TLS/RTP/SAVPF") == 0;
}

static gboolean is_protocol_text(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c) && *c != '/' && *c != '-' && *c != '.')
            return FALSE;
    return *text != '\0';
}

/* The parts of the m-line itself. */
static gboolean read_media_line(MediaReader *reader, MnbSdpMedia *out, GError **error)
{
    const GstSDPMedia *media = reader->media;
    const char *kind = gst_sdp_media_get_media(media);
    const char *proto = gst_sdp_media_get_proto(media);
    guint formats = gst_sdp_media_formats_len(media);
    const char *format = formats > 0 ? gst_sdp_media_get_format(media, 0) : NULL;
    if (kind == NULL || !is_token(kind, sizeof out->media - 1) || proto == NULL ||
        strlen(proto) >= sizeof out->proto || !is_protocol_text(proto) || format == NULL ||
        !is_token(format, sizeof out->format - 1))
        return fail_at(reader, "", error, "not of the form m=<media> <port> <protocol> <formats>");
    if (formats > FORMATS_MAX)
        return fail_at(reader, "", error, "has more than %d payload types", FORMATS_MAX);
    g_strlcpy(out->media, kind, sizeof out->media);
    g_strlcpy(out->proto, proto, sizeof out->proto);
    g_strlcpy(out->format, format, sizeof out->format);
    out->is_audio = strcmp(kind, "audio") == 0 && is_media_protocol(proto);
    out->is_video = strcmp(kind, "video") == 0 && is_media_protocol(proto);
    for (guint i = 0; i < formats; i++) {
        const char *text = gst_sdp_media_get_format(media, i);
        guint pt;
        if (text != NULL && read_number(&text, NO_PT - 1, &pt) && *text == '\0')
            reader->pts[pt].is_in_media_line = TRUE;
    }
    return TRUE;
}

static gboolean read_media(MediaReader *reader, MnbSdp *sdp, const char *bundle, MnbSdpType type,
                           gboolean *has_transport, GError **error)
{
    MnbSdpMedia *out = &sdp->media[reader->index - 1];
    if (!read_media_line(reader, out, error))
        return FALSE;
    guint attributes = gst_sdp_media_attributes_len(reader->media);
    for (guint i = 0; i < attributes; i++) {
        const GstSDPAttribute *attribute = gst_sdp_media_get_attribute(reader->media, i);
        if (attribute->key != NULL &&
            !read_attribute(reader, out, attribute->key,
                            attribute->value != NULL ? attribute->value : "", error))
            return FALSE;
    }
    guint port = gst_sdp_media_get_port(reader->media);
    out->is_refused = (port == 0 && !reader->has_bundle_only) || (!out->is_audio && !out->is_video);
    if (out->mid[0] == '\0') {
        if (out->is_refused)
            return TRUE;
        return fail_at(reader, "a=mid:", error, "has no a=mid");
    }
    for (guint i = 0; i + 1 < reader->index; i++)
        if (strcmp(sdp->media[i].mid, out->mid) == 0)
            return fail_at(reader, "a=mid:", error, "has the a=mid of m-line %u", i + 1);
    if (out->is_refused)
        return TRUE;
    if (!take_transport(sdp, reader, has_transport, type, error))
        return FALSE;
    if (sdp->media_count > 1 && !is_bundled(bundle, out->mid))
        return fail_at(reader, "a=mid:", error, "is not in a=group:BUNDLE");
    collect_codecs(reader, out);
    collect_layers(reader, out);
    if (out->layers == 0) {
        out->ssrc = reader->group_ssrc != 0 ? reader->group_ssrc : reader->first_ssrc;
        out->rtx_ssrc = reader->group_rtx;
    }
    return TRUE;
}

/* Session-level values hold for every m-line that does not say its own. */
static void read_session(const GstSDPMessage *message, MediaReader *defaults,
                         MnbSdpDirection *direction, const char **bundle)
{
    guint count = gst_sdp_message_attributes_len(message);
    for (guint i = 0; i < count; i++) {
        const GstSDPAttribute *attribute = gst_sdp_message_get_attribute(message, i);
        const char *value = attribute->value != NULL ? attribute->value : "";
        if (attribute->key == NULL || read_direction(attribute->key, direction))
            continue;
        if (strcmp(attribute->key, "ice-ufrag") == 0)
            defaults->ufrag = value;
        else if (strcmp(attribute->key, "ice-pwd") == 0)
            defaults->pwd = value;
        else if (strcmp(attribute->key, "fingerprint") == 0)
            defaults->fingerprint = value;
        else if (strcmp(attribute->key, "setup") == 0)
            defaults->setup = value;
        else if (strcmp(attribute->key, "group") == 0 && g_str_has_prefix(value, "BUNDLE "))
            *bundle = value + strlen("BUNDLE");
    }
}

static gboolean read_message(const GstSDPMessage *message, const char *text, gsize len, MnbSdp *sdp,
                             MnbSdpType type, GError **error)
{
    const char *bundle = NULL;
    MediaReader defaults = {.text = text, .text_len = len};
    MnbSdpDirection direction = MNB_SDP_SENDRECV;
    gboolean has_transport = FALSE;
    read_session(message, &defaults, &direction, &bundle);
    sdp->media_count = gst_sdp_message_medias_len(message);
    if (sdp->media_count == 0 || sdp->media_count > MNB_SDP_MEDIA_MAX)
        return fail(error, "the SDP has no m-line that can be read");
    g_autoptr(GPtrArray) rids = g_ptr_array_new();
    g_autofree MediaReader *reader = g_new(MediaReader, 1);
    for (guint i = 0; i < sdp->media_count; i++) {
        *reader = defaults;
        g_ptr_array_set_size(rids, 0);
        reader->rids = rids;
        reader->media = gst_sdp_message_get_media(message, i);
        reader->index = i + 1;
        sdp->media[i].direction = direction;
        if (!read_media(reader, sdp, bundle, type, &has_transport, error))
            return FALSE;
    }
    if (!has_transport)
        return fail(error, "the SDP has no audio or video m-line that is open");
    return TRUE;
}

MnbSdp *mnb_sdp_parse(const char *text, gsize len, MnbSdpType type, GError **error)
{
    if (!check_size(text, len, error))
        return NULL;
    GstSDPMessage *message = NULL;
    g_autoptr(MnbSdp) sdp = g_new0(MnbSdp, 1);
    gboolean is_good = FALSE;
    /* Of several ufrags in one section the last counts, and lines GstSDP cannot read are left out;
     * what we need is then missing and named. */
    if (gst_sdp_message_new(&message) != GST_SDP_OK ||
        gst_sdp_message_parse_buffer((const guint8 *)text, (guint)len, message) != GST_SDP_OK)
        fail(error, "the SDP cannot be read");
    else
        is_good = read_message(message, text, len, sdp, type, error);
    if (message != NULL)
        gst_sdp_message_free(message);
    return is_good ? g_steal_pointer(&sdp) : NULL;
}

void mnb_sdp_free(MnbSdp *sdp)
{
    g_free(sdp);
}

static gboolean take_fragment_value(const char *line, gsize len, const char *name, char *out,
                                    gsize size, gsize min, GError **error)
{
    gsize prefix = strlen(name);
    if (len < prefix || memcmp(line, name, prefix) != 0)
        return TRUE;
    if (len - prefix >= size)
        return fail(error, "the fragment's %.*s is too long", (int)prefix - 3, name + 2);
    memcpy(out, line + prefix, len - prefix);
    out[len - prefix] = '\0';
    if (!is_ice_text(out, min, size - 1))
        return fail(error, "the fragment's %.*s has characters that are not allowed",
                    (int)prefix - 3, name + 2);
    return TRUE;
}

gboolean mnb_sdp_parse_fragment(const char *text, gsize len, char ufrag[MNB_ICE_UFRAG_MAX],
                                char pwd[MNB_ICE_PWD_MAX], GError **error)
{
    ufrag[0] = pwd[0] = '\0';
    if (len > MNB_SDP_MAX || memchr(text, '\0', len) != NULL)
        return fail(error, "the fragment is too long or has a NUL byte");
    const char *end = text + len;
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (gsize)(end - line));
        const char *next = stop != NULL ? stop + 1 : end;
        if (stop == NULL)
            stop = end;
        if (stop > line && stop[-1] == '\r')
            stop--;
        gsize size = (gsize)(stop - line);
        if (size > MNB_SDP_LINE_MAX || (size > 0 && (size < 2 || line[1] != '=')))
            return fail(error, "the fragment has a line that is not of the form x=...");
        if (!take_fragment_value(line, size, "a=ice-ufrag:", ufrag, MNB_ICE_UFRAG_MAX, 4, error) ||
            !take_fragment_value(line, size, "a=ice-pwd:", pwd, MNB_ICE_PWD_MAX, 22, error))
            return FALSE;
        line = next;
    }
    return TRUE;
}
