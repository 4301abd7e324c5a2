/* rtx.h - retransmission payload (RFC 4588): the lost packet under another SSRC and payload type,
 * with its original sequence number (OSN) in the first two bytes of the payload.
 *
 * Sending one needs no function of its own: write the header of the RTX stream, put the OSN behind
 * it as the prefix of mnb_srtp_protect(), and give the kept payload. */
#pragma once
#include "server/media/rtp.h"

#define MNB_RTX_OSN_BYTES 2

/* Turns a plain RTX packet into the packet it repeats: sequence number from the OSN, the given SSRC
 * and payload type, marker and extensions kept, padding removed.
 * @rtx: the packet parsed by mnb_rtp_parse().
 * Returns: new length; -ENODATA when it carries nothing (a bandwidth probe: both browsers send such
 * before any media); -EBADMSG when a payload of one byte. */
int mnb_rtx_undo(uint8_t *packet, size_t len, const MnbRtp *rtx, uint32_t ssrc, uint8_t pt);
