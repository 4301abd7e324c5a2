/* rtx.c - see rtx.h. */
#include "server/media/rtx.h"
#include <errno.h>
#include <string.h>

int mnb_rtx_undo(uint8_t *packet, size_t len, const MnbRtp *rtx, uint32_t ssrc, uint8_t pt)
{
    if (rtx->payload_bytes == 0)
        return -ENODATA;
    if (rtx->payload_bytes < MNB_RTX_OSN_BYTES ||
        (size_t)rtx->header_bytes + rtx->payload_bytes > len)
        return -EBADMSG;
    uint8_t *payload = packet + rtx->header_bytes;
    uint16_t seq = mnb_get_u16(payload);
    size_t payload_bytes = rtx->payload_bytes - (size_t)MNB_RTX_OSN_BYTES;
    memmove(payload, payload + MNB_RTX_OSN_BYTES, payload_bytes);
    mnb_rtp_set_padding(packet, false);
    mnb_rtp_set_pt(packet, pt, rtx->marker);
    mnb_rtp_set_seq(packet, seq);
    mnb_rtp_set_ssrc(packet, ssrc);
    return (int)(rtx->header_bytes + payload_bytes);
}
