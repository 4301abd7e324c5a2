/* http.h - the HTTP side of manabi: JSON API, WHIP and WHEP doors, the permission for media files.
 *
 * Listens on a unix socket only; nginx (front-door.h) stands before it, because libsoup 3.2 must
 * not face a network. Every answer carries `Connection: close` (libsoup leaks a connection that its
 * client closes). What is answered on which path: docs/protocol.md sections 1 to 3 and
 * openapi.json; the table of them all is routes.c. Everything here runs on the main thread and its
 * default GMainContext; nothing blocks: password hashing runs in a worker thread, writing in the
 * catalogue's.
 */
#pragma once
#include <glib.h>

#define MNB_HTTP_BODY_MAX        65536 /* bytes of a request's body, JSON or SDP */
#define MNB_HTTP_JSON_DEPTH_MAX  16    /* nesting of arrays and objects in a request */
#define MNB_HTTP_CONNECTIONS_MAX 512   /* at the same time; more are answered 503 */

typedef struct MnbHttp MnbHttp;
typedef struct MnbClock MnbClock;     /* server/base/clock.h */
typedef struct MnbCatalog MnbCatalog; /* recordings/catalog.h */
typedef struct MnbRooms MnbRooms;     /* server/rooms/rooms.h */
typedef struct MnbMailer MnbMailer;   /* server/mail/mailer.h */
typedef struct MnbUploads MnbUploads; /* server/uploads/uploads.h */

/* Everything is borrowed until mnb_http_free(); strings are copied. */
typedef struct {
    const char *socket_path; /* STATE/run/api.sock; a stale one is replaced; mode 0600 */
    /* "https://learning.example.org", no slash at the end: the origin that is ours and the start of
     * every link that is handed out; https makes cookies Secure. */
    const char *public_url;
    const char *version; /* for /healthz and the metrics */
    /* Absolute; its index.html goes around the pages that are made here; NULL: they stand alone. */
    const char *web_client_dir;
    MnbCatalog *catalog;
    MnbRooms *rooms;
    MnbUploads *uploads; /* NULL: none are taken */
    MnbMailer *mailer;   /* NULL: there is no relay */
    const MnbClock *clock;
    void (*on_jobs_changed)(gpointer data); /* a job was put back to waiting; may be NULL */
    gpointer data;                          /* for on_jobs_changed */
} MnbHttpOptions;

typedef enum {
    MNB_HTTP_STARTING, /* /healthz answers 503, everything else works: the state after new() */
    MNB_HTTP_SERVING,
    MNB_HTTP_DRAINING, /* /healthz answers 503, WHIP and WHEP take nobody new (503 with Retry-After)
                        */
} MnbHttpState;

/* Binds the socket and accepts from now on.
 * Returns (owned): NULL with @error (G_IO_ERROR or MNB_ERROR) when the socket cannot be bound. */
MnbHttp *mnb_http_new(const MnbHttpOptions *options, GError **error);

/* Stops accepting, cuts what is under way, removes the socket. NULL is fine. */
void mnb_http_free(MnbHttp *http);

void mnb_http_set_state(MnbHttp *http, MnbHttpState state);

/* Adds a part to /metrics. @write appends lines of the Prometheus text format (metrics.h helps) and
 * is called on the main thread at each scrape: no personal data, no labels whose values have no
 * bound. */
void mnb_http_add_metrics(MnbHttp *http, void (*write)(GString *text, gpointer data),
                          gpointer data);
