/* tcp-frame.h - what comes over a TCP connection before it is a datagram again: frames (RFC 4571,
 * used by RFC 6544) and the PROXY line of the front door (PROXY protocol, version 1).
 *
 * Pure functions on bytes; nothing is copied. */
#pragma once
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define MNB_TCP_FRAME_HEAD 2    /* bytes of length in front of each frame */
#define MNB_TCP_FRAME_MAX  2048 /* largest frame that is taken: no peer of ours sends more */
#define MNB_PROXY_LINE_MAX 107  /* bytes, CR LF included */

/* Takes the frame at @data. Empty frames are frames.
 * Returns: 1 with *frame_out (inside @data) and *size_out; 0: more bytes are needed; -EMSGSIZE: it
 * is longer than MNB_TCP_FRAME_MAX, so this is not our protocol, or not in step. */
int mnb_tcp_frame_take(const uint8_t *data, size_t len, const uint8_t **frame_out,
                       size_t *size_out);

static inline void mnb_tcp_frame_head(uint8_t head[MNB_TCP_FRAME_HEAD], size_t size)
{
    head[0] = (uint8_t)(size >> 8);
    head[1] = (uint8_t)size;
}

/* Reads "PROXY TCP4 <peer> <ours> <port> <port>\r\n" (or TCP6) at @data; *peer_out is the peer.
 * Returns: bytes of the line; 0: more are needed; -EBADMSG: it is none, or of a family without
 * addresses. */
int mnb_tcp_proxy_line(const uint8_t *data, size_t len, struct sockaddr_in6 *peer_out);
