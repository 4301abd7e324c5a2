/* sdp.h - what we need to know of a peer's SDP, and the SDP we answer and offer (RFC 8866, 8829).
 *
 * GstSDP takes the text apart under the limits below; this module keeps the few facts that a media
 * worker has to know and throws the rest away, so nothing a peer wrote is ever echoed, except mids,
 * rids and a refused m-line's media type, protocol and first format, which are checked tokens.
 *
 * What is agreed: BUNDLE and rtcp-mux only; ICE-lite on our side; we are always the DTLS server;
 * Opus; VP8 and H264 (packetization-mode 1) with RTX. red, ulpfec and flexfec are never taken:
 * Chromium would wrap all media in them.
 *
 * Pure functions, any thread. Errors: MNB_ROOMS_ERROR_BAD_SDP, MNB_ROOMS_ERROR_NO_COMMON_CODEC;
 * their messages name the m-line and the fault, for the person who writes an encoder.
 */
#pragma once
#include "server/media/control.h"
#include <glib.h>

#define MNB_SDP_MAX        65536 /* bytes */
#define MNB_SDP_LINE_MAX   2048  /* bytes of one line */
#define MNB_SDP_MEDIA_MAX  40    /* m-lines */
#define MNB_SDP_LAYERS_MAX 3     /* simulcast layers we take; more are refused politely */

typedef enum {
    MNB_SDP_SENDRECV,
    MNB_SDP_SENDONLY,
    MNB_SDP_RECVONLY,
    MNB_SDP_INACTIVE,
} MnbSdpDirection;

typedef struct {
    guint8 pt; /* 0: not there */
    guint8 rtx_pt;
    gboolean has_nack, has_pli, has_fir, has_twcc;
    char profile[8]; /* H264: profile-level-id, lower case */
} MnbSdpCodec;

typedef struct {
    gboolean is_audio, is_video; /* neither: data channel and other things we refuse */
    gboolean is_refused;         /* port 0 in an answer, or nothing in it that we could use */
    MnbSdpDirection direction;
    char mid[MNB_MID_MAX];
    char media[24], proto[32], format[32]; /* as they stand in the m-line, for a refusal */
    MnbSdpCodec codecs[MNB_CODEC_COUNT];
    MnbExtensionIds sends;    /* header extensions that the peer may send */
    MnbExtensionIds receives; /* and those that it understands */
    guint directed; /* bit per field of MnbExtensionIds: named with /sendonly or /recvonly */
    guint32 ssrc, rtx_ssrc;                     /* 0: not said, or simulcast */
    guint layers;                               /* 0: no simulcast */
    char rids[MNB_SDP_LAYERS_MAX][MNB_MID_MAX]; /* smallest picture first */
} MnbSdpMedia;

typedef struct {
    char ufrag[MNB_ICE_UFRAG_MAX];
    char pwd[MNB_ICE_PWD_MAX];
    guint8 fingerprint[MNB_FINGERPRINT_BYTES];
    guint media_count;
    MnbSdpMedia media[MNB_SDP_MEDIA_MAX];
} MnbSdp;

typedef enum { MNB_SDP_OFFER, MNB_SDP_ANSWER } MnbSdpType;

/* @text need not end in NUL. Returns (owned): NULL with @error. */
MnbSdp *mnb_sdp_parse(const char *text, gsize len, MnbSdpType type, GError **error);
void mnb_sdp_free(MnbSdp *sdp); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbSdp, mnb_sdp_free)

/* An SDP fragment of a WHIP or WHEP PATCH (RFC 8840): @ufrag and @pwd are set to "" when it has
 * none. FALSE with @error when it is not one. */
gboolean mnb_sdp_parse_fragment(const char *text, gsize len, char ufrag[MNB_ICE_UFRAG_MAX],
                                char pwd[MNB_ICE_PWD_MAX], GError **error);

typedef struct {
    char address[64]; /* IPv4 or IPv6, as text */
    guint16 port;
    gboolean is_tcp; /* passive (RFC 6544) */
} MnbSdpCandidate;

/* Our side of a transport. */
typedef struct {
    const char *ufrag, *pwd;
    const char *fingerprint; /* "AB:CD:..." SHA-256 of our certificate */
    const MnbSdpCandidate *candidates;
    guint candidate_count;
    guint64 session; /* o= line: same for the life of a transport */
    guint version;   /* o= line: grows with each answer */
} MnbSdpLocal;

/* Which codec we take of a published m-line: Opus; VP8 before H264. MNB_CODEC_NONE: none. */
MnbCodec mnb_sdp_choose_codec(const MnbSdpMedia *media);

/* Answers an offer that publishes. Sendonly and sendrecv m-lines with a codec we take are accepted
 * (recvonly from us), the others refused; taken[i] tells which, and the codec. @taken has
 * offer->media_count places. Returns (owned): NULL with @error when nothing can be taken. */
char *mnb_sdp_answer_publish(const MnbSdp *offer, const MnbSdpLocal *local, MnbCodec *taken,
                             GError **error);

/* One slot of a receiving transport: it becomes one sendonly m-line. */
typedef struct {
    gboolean is_video;
    char mid[MNB_MID_MAX];
    guint32 ssrc, rtx_ssrc;
    char stream[40]; /* msid: slots of one stream are played in step; letters, digits, - */
} MnbSdpSlot;

/* The offer of @count slots: one m-line each, in order. Returns (owned). */
char *mnb_sdp_offer_receive(const MnbSdpLocal *local, const MnbSdpSlot *slots, guint count);

/* Answers an offer to receive (WHEP). slots[i] belongs to m-line slot_media[i]; m-lines without a
 * slot are refused. Returns (owned). */
char *mnb_sdp_answer_receive(const MnbSdp *offer, const MnbSdpLocal *local, const MnbSdpSlot *slots,
                             const guint *slot_media, guint count);

/* The fragment that answers an ICE restart by PATCH. Returns (owned). */
char *mnb_sdp_fragment(const MnbSdpLocal *local);

/* What the worker has to know of a slot, from our slot and the m-line that the receiver agreed to.
 * @answer: the receiver's answer to our offer, or its offer in WHEP. Codecs it cannot play get pt
 * 0. */
void mnb_sdp_fill_slot(MnbSlotAdd *add, const MnbSdpSlot *slot, const MnbSdpMedia *answer);

/* What the worker has to know of a published m-line's layer (0 when there is no simulcast). */
void mnb_sdp_fill_track(MnbTrackAdd *add, const MnbSdpMedia *media, MnbCodec codec, guint layer);
