/* media-worker.h - one manabi-media process: commands to it, and what it tells.
 *
 * Commands are the structs of server/media/control.h, sent in order. While the worker restarts they
 * are dropped (it knows nothing of what they are about); while its socket is full they wait, at
 * most MNB_MEDIA_QUEUE_MAX of them. A worker that lets more pile up is killed: it hangs.
 *
 * A worker that dies is back within a second on the same UDP ports with a new certificate and no
 * memory. All ids that it knew are void. Listeners hear `gone`, then `restarted` when it is ready
 * again, and build their rooms anew with new ids. Main thread only; no call blocks. */
#pragma once
#include <glib.h>

#include "server/media/control.h"

#define MNB_MEDIA_QUEUE_MAX      8192 /* commands waiting for room in the socket */
#define MNB_MEDIA_ADDRESSES_MAX  48   /* 16 by UDP, the same by TCP, and the front door's */
#define MNB_FINGERPRINT_TEXT_MAX 96   /* "AB:CD:..", NUL included: 32 * 3 */

typedef struct MnbMediaWorker MnbMediaWorker;

/* Where browsers reach a worker, most wanted first: a host candidate of RFC 8839. */
typedef struct {
    char address[46]; /* numeric IPv4 or IPv6 */
    guint16 port;
    gboolean is_tcp; /* passive ICE-TCP (RFC 6544); else UDP */
} MnbMediaAddress;

/* What a worker tells; each may be NULL. Structs are borrowed for the call. Callbacks may send
 * commands. */
typedef struct {
    void (*transport_state)(MnbMediaWorker *worker, const MnbTransportState *state, gpointer data);
    void (*track_state)(MnbMediaWorker *worker, const MnbTrackState *state, gpointer data);
    void (*speaker)(MnbMediaWorker *worker, const MnbSpeaker *speaker, gpointer data);
    void (*refused)(MnbMediaWorker *worker, const MnbMediaRefused *refused, gpointer data);
    void (*transport_stats)(MnbMediaWorker *worker, const MnbTransportStats *stats, gpointer data);
    void (*slot_state)(MnbMediaWorker *worker, const MnbSlotState *state, gpointer data);
    void (*feed_key)(MnbMediaWorker *worker, const MnbMediaId *track, gpointer data);
    void (*gone)(MnbMediaWorker *worker, gpointer data);      /* it died: its ids are void */
    void (*restarted)(MnbMediaWorker *worker, gpointer data); /* ready again after `gone` */
} MnbMediaEvents;

/* Ready: it has said READY and takes part in mnb_media_pool_pick(). */
gboolean mnb_media_worker_is_ready(const MnbMediaWorker *worker);
/* Processor time of the last second; 1000: all of one core. */
guint mnb_media_worker_cpu_permille(const MnbMediaWorker *worker);
guint mnb_media_worker_index(const MnbMediaWorker *worker); /* 0.. in its pool */
GPid mnb_media_worker_pid(const MnbMediaWorker *worker);    /* 0 while it is down */

/* Returns (borrowed until it restarts): "AB:CD:..." of its certificate (SHA-256), for
 * a=fingerprint; NULL while it is not ready. */
const char *mnb_media_worker_fingerprint(const MnbMediaWorker *worker);

/* Returns (borrowed): n_out addresses, at least one; constant for the life of the pool. */
const MnbMediaAddress *mnb_media_worker_addresses(const MnbMediaWorker *worker, guint *n_out);

/* Writes the worker's tag (server/media/control.h) over the first two characters of @ufrag: every
 * ufrag of its transports needs it, else nobody comes in through the front door. */
void mnb_media_worker_tag(const MnbMediaWorker *worker, char *ufrag);

/* The last statistics; zeroes while none have come since its start. */
const MnbWorkerStats *mnb_media_worker_stats(const MnbMediaWorker *worker);

/* Ids are above 0 and never used twice by any worker of the pool, over restarts too: one counter
 * for rooms, transports, tracks, slots and taps. */
guint32 mnb_media_worker_new_id(MnbMediaWorker *worker);

/* Commands. Each returns FALSE when it was not sent: the worker is not ready (then `restarted`
 * will follow), or it was just killed because its queue was full. Nothing needs to be done then. */
gboolean mnb_media_worker_transport_open(MnbMediaWorker *worker, const MnbTransportOpen *open);
gboolean mnb_media_worker_transport_remote(MnbMediaWorker *worker,
                                           const MnbTransportRemote *remote);
gboolean mnb_media_worker_transport_restart(MnbMediaWorker *worker,
                                            const MnbTransportRestart *restart);
gboolean mnb_media_worker_transport_close(MnbMediaWorker *worker, guint32 transport);
gboolean mnb_media_worker_track_add(MnbMediaWorker *worker, const MnbTrackAdd *track);
gboolean mnb_media_worker_track_remove(MnbMediaWorker *worker, guint32 track);
gboolean mnb_media_worker_slot_add(MnbMediaWorker *worker, const MnbSlotAdd *slot);
gboolean mnb_media_worker_slot_bind(MnbMediaWorker *worker, guint32 slot, guint32 track,
                                    guint rank);
gboolean mnb_media_worker_transport_limit(MnbMediaWorker *worker, guint32 transport,
                                          guint32 limit_bps);
gboolean mnb_media_worker_track_aside(MnbMediaWorker *worker, guint32 track, gboolean is_aside);
gboolean mnb_media_worker_key_frame(MnbMediaWorker *worker, guint32 track);
/* @memfd, @eventfd: borrowed for the call. */
gboolean mnb_media_worker_feed_open(MnbMediaWorker *worker, const MnbFeedOpen *feed, int memfd,
                                    int eventfd);
gboolean mnb_media_worker_tap_open(MnbMediaWorker *worker, guint32 tap, int memfd, int eventfd);
gboolean mnb_media_worker_tap_track(MnbMediaWorker *worker, guint32 tap, guint32 track,
                                    gboolean is_on);
gboolean mnb_media_worker_tap_close(MnbMediaWorker *worker, guint32 tap);
