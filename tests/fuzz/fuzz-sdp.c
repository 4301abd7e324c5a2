/* Offers, answers and fragments as strangers may send them; what is accepted must be answerable,
 * and our answer must be readable by ourselves. */
#include "server/rooms/sdp.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const MnbSdpCandidate candidate = {"192.0.2.1", 40000};
static const MnbSdpLocal local = {
    .ufrag = "abcdefgh01234567",
    .pwd = "abcdefgh0123456789abcdefgh012345",
    .fingerprint = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                   "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
    .candidates = &candidate,
    .candidate_count = 1,
    .session = 1,
    .version = 1,
};

static void answer_publish(const MnbSdp *sdp)
{
    MnbCodec taken[MNB_SDP_MEDIA_MAX];
    g_autofree char *answer = mnb_sdp_answer_publish(sdp, &local, taken, NULL);
    if (answer == NULL)
        return;
    for (guint i = 0; i < sdp->media_count; i++) {
        MnbTrackAdd add = {0};
        if (taken[i] != MNB_CODEC_NONE)
            mnb_sdp_fill_track(&add, &sdp->media[i], taken[i], 0);
    }
}

static void answer_receive(const MnbSdp *sdp)
{
    MnbSdpSlot slots[MNB_SDP_MEDIA_MAX] = {0};
    guint media[MNB_SDP_MEDIA_MAX];
    guint count = 0;
    for (guint i = 0; i < sdp->media_count; i++) {
        if (sdp->media[i].is_refused)
            continue;
        MnbSlotAdd add = {0};
        slots[count].is_video = sdp->media[i].is_video;
        slots[count].ssrc = 2 * count + 1;
        slots[count].rtx_ssrc = 2 * count + 2;
        g_strlcpy(slots[count].stream, "s", sizeof slots[count].stream);
        g_strlcpy(slots[count].mid, sdp->media[i].mid, sizeof slots[count].mid);
        mnb_sdp_fill_slot(&add, &slots[count], &sdp->media[i]);
        media[count++] = i;
    }
    g_autofree char *answer = mnb_sdp_answer_receive(sdp, &local, slots, media, count);
    if (answer == NULL)
        abort();
    g_free(mnb_sdp_offer_receive(&local, slots, count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    char ufrag[MNB_ICE_UFRAG_MAX], pwd[MNB_ICE_PWD_MAX];
    g_autoptr(MnbSdp) offer = mnb_sdp_parse(text, size, MNB_SDP_OFFER, NULL);
    mnb_sdp_free(mnb_sdp_parse(text, size, MNB_SDP_ANSWER, NULL));
    if (offer != NULL) {
        answer_publish(offer);
        answer_receive(offer);
    }
    mnb_sdp_parse_fragment(text, size, ufrag, pwd, NULL);
    return 0;
}
