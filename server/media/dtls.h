/* dtls.h - the DTLS 1.2 server of one peer connection, over OpenSSL and memory BIOs.
 *
 * We are always the server: the server picks the SRTP profile, so AES-GCM-128 comes out with every
 * browser. One datagram in, any number of datagrams out, none above MNB_DTLS_MTU. A ClientHello
 * that comes in fragments (post-quantum key shares) is put together by OpenSSL; cookies and
 * DTLSv1_listen() are not used, since the STUN check before it proved the address already.
 * The peer's certificate is not judged here: its SHA-256 is compared with the one of the SDP by the
 * transport. One thread. OpenSSL allocates during the handshake; no media packet comes through
 * here. */
#pragma once
#include "server/media/control.h"
#include "server/media/srtp.h"
#include <stddef.h>
#include <stdint.h>

#define MNB_DTLS_MTU 1200 /* bytes of a UDP payload */

/* Certificate and settings of the process. */
typedef struct MnbDtlsContext MnbDtlsContext;

/* Makes a key (ECDSA P-256) and a certificate for it, valid for a year. Returns (owned): NULL when
 * OpenSSL refuses. */
MnbDtlsContext *mnb_dtls_context_new(void);
void mnb_dtls_context_free(MnbDtlsContext *context); /* NULL is fine; after its connections */
const uint8_t *mnb_dtls_context_fingerprint(const MnbDtlsContext *context); /* SHA-256, borrowed */

typedef struct MnbDtls MnbDtls;

typedef enum {
    MNB_DTLS_WAITING,  /* more datagrams are needed, or nothing changed */
    MNB_DTLS_FINISHED, /* returned once, by the datagram that completed the handshake */
    MNB_DTLS_CLOSED,   /* the peer said close_notify or a fatal alert */
    MNB_DTLS_FAILED,   /* the handshake cannot succeed any more */
} MnbDtlsResult;

/* Called for each datagram that is to be sent; @data is borrowed for the call. */
typedef void (*MnbDtlsSend)(void *owner, const uint8_t *data, size_t size);

/* Returns (owned): NULL when out of memory. @owner: passed to @send. */
MnbDtls *mnb_dtls_new(MnbDtlsContext *context, MnbDtlsSend send, void *owner);
void mnb_dtls_free(MnbDtls *dtls); /* NULL is fine; says nothing to the peer */

MnbDtlsResult mnb_dtls_receive(MnbDtls *dtls, const uint8_t *data, size_t size);

/* Time until the last flight must be repeated: microseconds, 0 for now, -1 for no timer. */
int64_t mnb_dtls_wait_us(MnbDtls *dtls);
MnbDtlsResult mnb_dtls_on_wait_over(MnbDtls *dtls);

/* Sends close_notify. */
void mnb_dtls_close(MnbDtls *dtls);

/* After MNB_DTLS_FINISHED. Keys of what we receive and send are made from the exporter.
 * Returns 0; -EPROTO when no SRTP profile was agreed or there is no certificate; -ENOMEM.
 * @receive_out, @send_out: owned. @fingerprint_out: SHA-256 of the peer's certificate. */
int mnb_dtls_take_keys(MnbDtls *dtls, MnbSrtp **receive_out, MnbSrtp **send_out,
                       uint8_t fingerprint_out[MNB_FINGERPRINT_BYTES]);
