/* signalling.h - the WebSocket door (docs/protocol.md, section 4) on libwebsockets.
 *
 * Listens on a unix socket behind the front door, which passes X-Forwarded-For. Speaks only the
 * subprotocol manabi.v1, only to pages of our own origins, without compression; anything else that
 * is HTTP gets 403 or 404. Runs in the main thread on the default GMainContext; no type of
 * libwebsockets or GLib's loop shows here, so that it can move to a thread of its own.
 *
 * Limits of one connection: hello within 5 s; messages up to 64 KiB; 30 messages/s (burst 60), chat
 * 10 in 5 s; a ping each 20 s must be answered in 20 s; 1 MiB waiting to be sent (then it is closed
 * and may resume). Of one address: 64 connections that have not said hello, 600 new places at once
 * and then 20 a minute (4429; who resumes takes none).
 */
#pragma once
#include "server/rooms/rooms.h"

typedef struct MnbSignalling MnbSignalling;

typedef struct {
    const char *socket_path;    /* unix socket to make (an old one is removed); mode 0600 */
    const char *const *origins; /* NULL-terminated: "https://events.example.jp" (access/origin.h) */
    MnbRooms *rooms;            /* borrowed, outlives it */
} MnbSignallingOptions;

/* Returns (owned): NULL with @error when the socket cannot be made. */
MnbSignalling *mnb_signalling_new(const MnbSignallingOptions *options, GError **error);

/* Closes every connection with 1012 (come back soon) and accepts no more; what is queued is still
 * sent while the main loop runs. Call before mnb_rooms_stop(). */
void mnb_signalling_drain(MnbSignalling *self);
void mnb_signalling_free(MnbSignalling *self); /* NULL is fine */

/* Appends Prometheus text: manabi_signalling_... */
void mnb_signalling_write_metrics(MnbSignalling *self, GString *out);
