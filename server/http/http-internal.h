/* http-internal.h - what http.c, request.c and the handlers of health.c share of an MnbHttp. */
#pragma once
#include "server/http/http.h"
#include "server/http/request.h"
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

MnbHttp *mnb_http_ref(MnbHttp *http);
void mnb_http_unref(MnbHttp *http);

/* At the headers of a message: makes its request (which lives as long as the message, and longer
 * when a handler holds it), checks everything that can be checked and may answer. */
void mnb_http_request_begin(MnbHttp *http, SoupServerMessage *message);
/* At the end of its body: runs the handler, unless it was answered already. */
void mnb_http_request_run(SoupServerMessage *message);
MnbHttp *mnb_http_request_http(MnbHttpRequest *request);
