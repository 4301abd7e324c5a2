/* The SDP we write. Every line comes from these templates. */
#include "server/rooms/rooms.h"
#include "server/rooms/sdp.h"
#include <string.h>

/* Payload types of our offers: those Chromium uses, so that a capture reads the same on both sides.
 */
#define PT_OPUS     111
#define PT_VP8      96
#define PT_VP8_RTX  97
#define PT_H264     102
#define PT_H264_RTX 103

#define EXT_AUDIO_LEVEL 1
#define EXT_TWCC        3
#define EXT_MID         4

#define URI_MID          "urn:ietf:params:rtp-hdrext:sdes:mid"
#define URI_RID          "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
#define URI_REPAIRED_RID "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
#define URI_AUDIO_LEVEL  "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
#define URI_TWCC         "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

#define HOST_PRIORITY 2130706431u /* RFC 8445, 5.1.2: type host, local preference 65535 */
/* RFC 6544, 4.2: below all of UDP (type preference 90); passive: direction preference 4. */
#define TCP_PRIORITY (90u << 24 | (4u << 13 | 8191u) << 8 | 255u)

static void write_head(GString *out, const MnbSdpLocal *local, const char *bundle)
{
    g_string_append_printf(out,
                           "v=0\r\n"
                           "o=manabi %" G_GUINT64_FORMAT " %u IN IP4 127.0.0.1\r\n"
                           "s=-\r\n"
                           "t=0 0\r\n"
                           "a=ice-lite\r\n"
                           "a=group:BUNDLE%s\r\n"
                           "a=extmap-allow-mixed\r\n"
                           "a=msid-semantic: WMS *\r\n",
                           local->session & G_MAXINT64, local->version, bundle);
}

static void write_candidates(GString *out, const MnbSdpLocal *local)
{
    guint n_tcp = 0;
    for (guint i = 0; i < local->candidate_count; i++) {
        const MnbSdpCandidate *candidate = &local->candidates[i];
        if (candidate->is_tcp)
            g_string_append_printf(
                out, "a=candidate:%u 1 tcp %u %s %u typ host tcptype passive\r\n", i + 1,
                TCP_PRIORITY - n_tcp++ * 256, candidate->address, candidate->port);
        else
            g_string_append_printf(out, "a=candidate:%u 1 udp %u %s %u typ host\r\n", i + 1,
                                   HOST_PRIORITY - i * 256, candidate->address, candidate->port);
    }
    g_string_append(out, "a=end-of-candidates\r\n");
}

/* What every open m-line says of the shared transport; the first also lists the candidates. */
static void write_transport(GString *out, const MnbSdpLocal *local, const char *setup,
                            gboolean is_first)
{
    g_string_append_printf(out,
                           "a=ice-ufrag:%s\r\n"
                           "a=ice-pwd:%s\r\n"
                           "a=fingerprint:sha-256 %s\r\n"
                           "a=setup:%s\r\n"
                           "a=rtcp-mux\r\n"
                           "a=rtcp-rsize\r\n",
                           local->ufrag, local->pwd, local->fingerprint, setup);
    if (is_first)
        write_candidates(out, local);
}

static void write_refused(GString *out, const MnbSdpMedia *media)
{
    g_string_append_printf(out, "m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n", media->media,
                           media->proto, media->format);
    if (media->mid[0] != '\0')
        g_string_append_printf(out, "a=mid:%s\r\n", media->mid);
}

static void write_extension(GString *out, guint id, const char *direction, const char *uri)
{
    if (id != 0)
        g_string_append_printf(out, "a=extmap:%u%s %s\r\n", id, direction, uri);
}

/* @direction: "recvonly" or "sendonly", how we use them; only said where the offer said one. */
static void write_extensions(GString *out, const MnbSdpMedia *media, const MnbExtensionIds *ids,
                             const char *direction)
{
    const guint8 *bytes = (const guint8 *)ids;
    static const struct {
        gsize offset;
        const char *uri;
    } all[] = {
        {offsetof(MnbExtensionIds, mid), URI_MID},
        {offsetof(MnbExtensionIds, rid), URI_RID},
        {offsetof(MnbExtensionIds, repaired_rid), URI_REPAIRED_RID},
        {offsetof(MnbExtensionIds, audio_level), URI_AUDIO_LEVEL},
        {offsetof(MnbExtensionIds, twcc), URI_TWCC},
    };
    for (guint i = 0; i < G_N_ELEMENTS(all); i++)
        write_extension(out, bytes[all[i].offset],
                        media->directed & 1u << all[i].offset ? direction : "", all[i].uri);
}

static void write_feedback(GString *out, guint pt, const MnbSdpCodec *codec)
{
    if (codec->has_twcc)
        g_string_append_printf(out, "a=rtcp-fb:%u transport-cc\r\n", pt);
    if (codec->has_nack)
        g_string_append_printf(out, "a=rtcp-fb:%u nack\r\n", pt);
    if (codec->has_pli)
        g_string_append_printf(out, "a=rtcp-fb:%u nack pli\r\n", pt);
    if (codec->has_fir)
        g_string_append_printf(out, "a=rtcp-fb:%u ccm fir\r\n", pt);
}

static void write_codec(GString *out, MnbCodec codec, const MnbSdpCodec *agreed)
{
    guint pt = agreed->pt;
    switch (codec) {
    case MNB_CODEC_OPUS:
        g_string_append_printf(out, "a=rtpmap:%u opus/48000/2\r\n", pt);
        write_feedback(out, pt, agreed);
        g_string_append_printf(out, "a=fmtp:%u minptime=10;useinbandfec=1\r\n", pt);
        return;
    case MNB_CODEC_VP8:
        g_string_append_printf(out, "a=rtpmap:%u VP8/90000\r\n", pt);
        write_feedback(out, pt, agreed);
        break;
    case MNB_CODEC_H264:
        g_string_append_printf(out, "a=rtpmap:%u H264/90000\r\n", pt);
        write_feedback(out, pt, agreed);
        g_string_append_printf(
            out, "a=fmtp:%u level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=%s\r\n",
            pt, agreed->profile[0] != '\0' ? agreed->profile : "42e01f");
        break;
    default:
        return;
    }
    if (agreed->rtx_pt != 0)
        g_string_append_printf(out, "a=rtpmap:%u rtx/90000\r\na=fmtp:%u apt=%u\r\n", agreed->rtx_pt,
                               agreed->rtx_pt, pt);
}

static void write_formats(GString *out, const MnbSdpCodec *codec)
{
    g_string_append_printf(out, " %u", codec->pt);
    if (codec->rtx_pt != 0)
        g_string_append_printf(out, " %u", codec->rtx_pt);
}

/* ---------------------------------------------------------------------------------- publishing */

MnbCodec mnb_sdp_choose_codec(const MnbSdpMedia *media)
{
    static const MnbCodec wanted[] = {MNB_CODEC_OPUS, MNB_CODEC_VP8, MNB_CODEC_H264};
    for (guint i = 0; i < G_N_ELEMENTS(wanted); i++)
        if (media->codecs[wanted[i]].pt != 0)
            return wanted[i];
    return MNB_CODEC_NONE;
}

static void write_published(GString *out, const MnbSdpMedia *media, MnbCodec codec,
                            const MnbSdpLocal *local, gboolean is_first)
{
    const MnbSdpCodec *agreed = &media->codecs[codec];
    MnbExtensionIds ids = media->sends;
    if (media->layers == 0)
        ids.rid = ids.repaired_rid = 0;
    g_string_append_printf(out, "m=%s 9 UDP/TLS/RTP/SAVPF", media->is_video ? "video" : "audio");
    write_formats(out, agreed);
    g_string_append_printf(out, "\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=recvonly\r\n", media->mid);
    write_transport(out, local, "passive", is_first);
    write_extensions(out, media, &ids, "/recvonly");
    write_codec(out, codec, agreed);
    if (media->layers == 0)
        return;
    for (guint i = 0; i < media->layers; i++)
        g_string_append_printf(out, "a=rid:%s recv\r\n", media->rids[i]);
    g_string_append(out, "a=simulcast:recv ");
    for (guint i = 0; i < media->layers; i++)
        g_string_append_printf(out, "%s%s", i > 0 ? ";" : "", media->rids[i]);
    g_string_append(out, "\r\n");
}

char *mnb_sdp_answer_publish(const MnbSdp *offer, const MnbSdpLocal *local, MnbCodec *taken,
                             GError **error)
{
    gboolean has_any = FALSE;
    gboolean has_sender = FALSE;
    g_autoptr(GString) bundle = g_string_new(NULL);
    for (guint i = 0; i < offer->media_count; i++) {
        const MnbSdpMedia *media = &offer->media[i];
        gboolean is_sent = !media->is_refused && (media->direction == MNB_SDP_SENDONLY ||
                                                  media->direction == MNB_SDP_SENDRECV);
        taken[i] = is_sent ? mnb_sdp_choose_codec(media) : MNB_CODEC_NONE;
        has_sender = has_sender || is_sent;
        if (taken[i] != MNB_CODEC_NONE) {
            g_string_append_printf(bundle, " %s", media->mid);
            has_any = TRUE;
        }
    }
    if (!has_any) {
        g_set_error_literal(
            error, MNB_ROOMS_ERROR,
            has_sender ? MNB_ROOMS_ERROR_NO_COMMON_CODEC : MNB_ROOMS_ERROR_BAD_SDP,
            has_sender ? "none of the m-lines offers Opus, VP8 or H264 (packetization-mode 1)"
                       : "no audio or video m-line is sendonly or sendrecv");
        return NULL;
    }
    GString *out = g_string_sized_new(4096);
    gboolean is_first = TRUE;
    write_head(out, local, bundle->str);
    for (guint i = 0; i < offer->media_count; i++) {
        if (taken[i] == MNB_CODEC_NONE) {
            write_refused(out, &offer->media[i]);
            continue;
        }
        write_published(out, &offer->media[i], taken[i], local, is_first);
        is_first = FALSE;
    }
    return g_string_free(out, FALSE);
}

void mnb_sdp_fill_track(MnbTrackAdd *add, const MnbSdpMedia *media, MnbCodec codec, guint layer)
{
    const MnbSdpCodec *agreed = &media->codecs[codec];
    add->codec = (guint8)codec;
    add->pt = agreed->pt;
    add->rtx_pt = agreed->rtx_pt;
    add->layer = (guint8)layer;
    add->clock_rate = media->is_video ? 90000 : 48000;
    add->ssrc = media->layers == 0 ? media->ssrc : 0;
    add->rtx_ssrc = media->layers == 0 && agreed->rtx_pt != 0 ? media->rtx_ssrc : 0;
    g_strlcpy(add->mid, media->mid, sizeof add->mid);
    if (layer < media->layers)
        g_strlcpy(add->rid, media->rids[layer], sizeof add->rid);
    add->ext = media->sends;
    if (media->layers == 0)
        add->ext.rid = add->ext.repaired_rid = 0;
    add->has_nack = agreed->has_nack;
    add->has_pli = agreed->has_pli;
    add->has_twcc = agreed->has_twcc && media->sends.twcc != 0;
}

/* ----------------------------------------------------------------------------------- receiving */

/* What we offer in an m-line of ours: the agreed side is filled from the receiver's answer. */
static const MnbSdpCodec offered_opus = {.pt = PT_OPUS, .has_nack = TRUE, .has_twcc = TRUE};
static const MnbSdpCodec offered_vp8 = {.pt = PT_VP8,
                                        .rtx_pt = PT_VP8_RTX,
                                        .has_nack = TRUE,
                                        .has_pli = TRUE,
                                        .has_fir = TRUE,
                                        .has_twcc = TRUE};
static const MnbSdpCodec offered_h264 = {.pt = PT_H264,
                                         .rtx_pt = PT_H264_RTX,
                                         .has_nack = TRUE,
                                         .has_pli = TRUE,
                                         .has_fir = TRUE,
                                         .has_twcc = TRUE,
                                         .profile = "42e01f"};

static void write_slot_sources(GString *out, const MnbSdpSlot *slot, gboolean has_rtx)
{
    const char *kind = slot->is_video ? "v" : "a";
    g_string_append_printf(out, "a=msid:%s %s-%s\r\n", slot->stream, slot->mid, kind);
    if (has_rtx)
        g_string_append_printf(out, "a=ssrc-group:FID %u %u\r\n", slot->ssrc, slot->rtx_ssrc);
    g_string_append_printf(out, "a=ssrc:%u cname:%s\r\n", slot->ssrc, slot->stream);
    if (has_rtx)
        g_string_append_printf(out, "a=ssrc:%u cname:%s\r\n", slot->rtx_ssrc, slot->stream);
}

static void write_offered_slot(GString *out, const MnbSdpSlot *slot, const MnbSdpLocal *local,
                               gboolean is_first)
{
    g_string_append_printf(out, "m=%s 9 UDP/TLS/RTP/SAVPF", slot->is_video ? "video" : "audio");
    if (slot->is_video) {
        write_formats(out, &offered_vp8);
        write_formats(out, &offered_h264);
    } else {
        write_formats(out, &offered_opus);
    }
    g_string_append_printf(out, "\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=sendonly\r\n", slot->mid);
    write_transport(out, local, "actpass", is_first);
    if (!slot->is_video)
        write_extension(out, EXT_AUDIO_LEVEL, "", URI_AUDIO_LEVEL);
    write_extension(out, EXT_TWCC, "", URI_TWCC);
    write_extension(out, EXT_MID, "", URI_MID);
    if (slot->is_video) {
        write_codec(out, MNB_CODEC_VP8, &offered_vp8);
        write_codec(out, MNB_CODEC_H264, &offered_h264);
    } else {
        write_codec(out, MNB_CODEC_OPUS, &offered_opus);
    }
    write_slot_sources(out, slot, slot->is_video && slot->rtx_ssrc != 0);
}

char *mnb_sdp_offer_receive(const MnbSdpLocal *local, const MnbSdpSlot *slots, guint count)
{
    g_autoptr(GString) bundle = g_string_new(NULL);
    for (guint i = 0; i < count; i++)
        g_string_append_printf(bundle, " %s", slots[i].mid);
    GString *out = g_string_sized_new(1024 + 1400 * (gsize)count);
    write_head(out, local, bundle->str);
    for (guint i = 0; i < count; i++)
        write_offered_slot(out, &slots[i], local, i == 0);
    return g_string_free(out, FALSE);
}

/* The codecs of an offered m-line that we can send: all that mnb_sdp_parse() kept. */
static void write_answered_slot(GString *out, const MnbSdpMedia *media, const MnbSdpSlot *slot,
                                const MnbSdpLocal *local, gboolean is_first)
{
    static const MnbCodec order[] = {MNB_CODEC_OPUS, MNB_CODEC_VP8, MNB_CODEC_H264};
    MnbExtensionIds ids = media->receives;
    ids.rid = ids.repaired_rid = 0;
    gboolean has_rtx = FALSE;
    g_string_append_printf(out, "m=%s 9 UDP/TLS/RTP/SAVPF", media->is_video ? "video" : "audio");
    for (guint i = 0; i < G_N_ELEMENTS(order); i++)
        if (media->codecs[order[i]].pt != 0)
            write_formats(out, &media->codecs[order[i]]);
    g_string_append_printf(out, "\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=sendonly\r\n", media->mid);
    write_transport(out, local, "passive", is_first);
    write_extensions(out, media, &ids, "/sendonly");
    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        const MnbSdpCodec *codec = &media->codecs[order[i]];
        if (codec->pt == 0)
            continue;
        write_codec(out, order[i], codec);
        has_rtx = has_rtx || codec->rtx_pt != 0;
    }
    write_slot_sources(out, slot, has_rtx && slot->rtx_ssrc != 0);
}

char *mnb_sdp_answer_receive(const MnbSdp *offer, const MnbSdpLocal *local, const MnbSdpSlot *slots,
                             const guint *slot_media, guint count)
{
    const MnbSdpSlot *by_media[MNB_SDP_MEDIA_MAX] = {NULL};
    g_autoptr(GString) bundle = g_string_new(NULL);
    for (guint i = 0; i < count; i++) {
        g_return_val_if_fail(slot_media[i] < offer->media_count, NULL);
        by_media[slot_media[i]] = &slots[i];
    }
    for (guint i = 0; i < offer->media_count; i++)
        if (by_media[i] != NULL)
            g_string_append_printf(bundle, " %s", offer->media[i].mid);
    GString *out = g_string_sized_new(1024 + 1400 * (gsize)count);
    gboolean is_first = TRUE;
    write_head(out, local, bundle->str);
    for (guint i = 0; i < offer->media_count; i++) {
        if (by_media[i] == NULL) {
            write_refused(out, &offer->media[i]);
            continue;
        }
        write_answered_slot(out, &offer->media[i], by_media[i], local, is_first);
        is_first = FALSE;
    }
    return g_string_free(out, FALSE);
}

void mnb_sdp_fill_slot(MnbSlotAdd *add, const MnbSdpSlot *slot, const MnbSdpMedia *answer)
{
    gboolean has_rtx = FALSE;
    for (guint codec = 1; codec < MNB_CODEC_COUNT; codec++) {
        add->pt[codec] = answer->codecs[codec].pt;
        add->rtx_pt[codec] = answer->codecs[codec].rtx_pt;
        add->has_nack |= answer->codecs[codec].pt != 0 && answer->codecs[codec].has_nack;
        has_rtx = has_rtx || answer->codecs[codec].rtx_pt != 0;
    }
    add->ssrc = slot->ssrc;
    add->rtx_ssrc = has_rtx ? slot->rtx_ssrc : 0;
    add->is_video = slot->is_video != FALSE;
    add->clock_rate = slot->is_video ? 90000 : 48000;
    g_strlcpy(add->mid, answer->mid, sizeof add->mid);
    add->ext = answer->receives;
    add->ext.rid = add->ext.repaired_rid = 0;
}

char *mnb_sdp_fragment(const MnbSdpLocal *local)
{
    GString *out = g_string_sized_new(512);
    g_string_append_printf(out, "a=ice-lite\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", local->ufrag,
                           local->pwd);
    write_candidates(out, local);
    return g_string_free(out, FALSE);
}
