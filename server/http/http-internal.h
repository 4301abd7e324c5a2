/* http-internal.h - what http.c, gate.c, request.c and health.c know of each other's objects. */
#pragma once
#include "server/http/http.h"
#include "server/http/page.h"
#include "server/http/request.h"
#include "server/rooms/slides.h"
#include <arpa/inet.h>
#include <libsoup/soup.h>

#define MNB_HTTP_DEADLINE_US                                                                       \
    (60 * G_USEC_PER_SEC) /* from accept to the last byte of the answer                            \
                           */

typedef struct {
    void (*write)(GString *text, gpointer data);
    gpointer data;
} MnbMetricsPart;

struct MnbHttp {
    guint refs; /* the owner's, and one of every request */
    gboolean is_closed;
    MnbHttpState state;
    MnbServices services;
    char *socket_path;
    char *public_url;
    char *version;
    MnbPageShell *shell; /* owned */
    void (*on_jobs_changed)(gpointer data);
    gpointer data;
    SoupServer *soup;
    GSocketService *acceptor;
    GSocketAddress *address; /* told to libsoup as both ends' */
    GQueue connections;      /* Connection of http.c, oldest first */
    guint sweeper;           /* source that cuts connections that are too old */
    GArray *metrics;         /* MnbMetricsPart */
    MnbRate *refusals;       /* refusals that the audit notes, by actor */
    guint64 n_connections;
    guint64 n_cut;
    guint64 n_answers[600]; /* by status */
};

struct MnbHttpRequest {
    guint refs;
    MnbHttp *http;              /* held */
    SoupServerMessage *message; /* held until it is answered or gone */
    MnbRouteMatch match;
    MnbAsker asker;
    GHashTable *query;
    GByteArray *body;
    char address[INET6_ADDRSTRLEN];
    gboolean is_gone;
    gboolean is_answered;
    gboolean is_paused;
    gboolean is_too_large;
    gboolean is_held; /* reading of the body is paused */
    const MnbHttpStreamCalls *stream_calls;
    gpointer stream_data;
    guint64 n_ignored; /* bytes of a body that nobody wants any more */
    gint64 touched_us;
    MnbSlidesTicket *slides; /* of a body MNB_BODY_PDF, until the handler takes it */
};

/* Bytes that a route takes. */
guint mnb_http_body_max(const MnbRoute *route);

MnbHttp *mnb_http_ref(MnbHttp *http);
void mnb_http_unref(MnbHttp *http);

/* The connection of @message is alive and at work: its time begins anew. */
void mnb_http_touch(MnbHttp *http, SoupServerMessage *message);
/* Cuts it: somebody goes on sending what was refused. */
void mnb_http_cut(MnbHttp *http, SoupServerMessage *message);

/* At the headers of a message: makes its request (which lives as long as the message, and longer
 * when a handler holds it), checks everything that can be checked and may answer. */
void mnb_http_request_begin(MnbHttp *http, SoupServerMessage *message);
/* At the end of its body: runs the handler, unless it was answered already. */
void mnb_http_request_run(SoupServerMessage *message);
MnbHttp *mnb_http_request_http(MnbHttpRequest *request);

/* gate.c: everything that can be checked before the body: route, origin, query, who asks, whether
 * they may, type and length of the body. Returns (owned): NULL to let it in. */
MnbProblem *mnb_http_gate_check(MnbHttpRequest *request);
