/* request.h - one request, from its headers to its answer: what every handler works with.
 *
 *     headers --> route found, limits, who asks, may they --> body --> route->run(request)
 *                        | no: a problem, the body is not kept            |
 *                        v                                                v
 *                     answer <---------------------- at once, or later (the request is paused)
 *
 * A handler answers exactly once, at once or later. One that answers later holds a reference. The
 * client may be gone by then: answering is harmless, and mnb_http_request_is_gone() tells. When the
 * server itself is gone, nothing reached through services() is there any more;
 * mnb_http_request_write() looks after that, other late callbacks ask mnb_http_request_is_closed()
 * first. Main thread.
 */
#pragma once
#include "recordings/catalog.h"
#include "recordings/link.h"
#include "recordings/staff.h"
#include "server/access/passwords.h"
#include "server/access/rate.h"
#include "server/base/clock.h"
#include "server/http/fields.h"
#include "server/http/problem.h"
#include "server/http/router.h"
#include "server/mail/mailer.h"
#include "server/rooms/rooms.h"
#include "server/uploads/uploads.h"
#include <jansson.h>

/* Who asks. Both may be there: staff who opened a link of an event. Both NULL: a visitor. */
typedef struct {
    MnbStaff *staff;
    MnbLink *link;
    char *cookie;   /* staff's cookie token */
    char actor[64]; /* for the audit: "staff:ID", "link:ID", "visitor" */
} MnbAsker;

/* What handlers work with; borrowed from the MnbHttp. */
typedef struct {
    MnbCatalog *catalog;
    MnbRooms *rooms;
    const MnbClock *clock;
    MnbPasswords *passwords;
    MnbRate *posts;      /* WHIP and WHEP, by address */
    MnbRate *checks;     /* of lines, by address */
    MnbRate *sign_ins;   /* tries with a password, by address */
    MnbRate *questions;  /* follow-up questions, by address */
    MnbRate *guesses;    /* tokens that opened nothing, by address */
    MnbUploads *uploads; /* NULL: none are taken */
    MnbMailer *mailer;   /* NULL: there is no relay */
    const char *public_url;
    const char *version;
    gboolean is_secure; /* public_url is https */
} MnbServices;

MnbHttpRequest *mnb_http_request_ref(MnbHttpRequest *request);
void mnb_http_request_unref(MnbHttpRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbHttpRequest, mnb_http_request_unref)

const MnbServices *mnb_http_request_services(MnbHttpRequest *request);
const MnbAsker *mnb_http_request_asker(MnbHttpRequest *request);
MnbDb *mnb_http_request_db(MnbHttpRequest *request); /* the catalogue's reader */
gint64 mnb_http_request_wall_us(MnbHttpRequest *request);
gint64 mnb_http_request_now_us(MnbHttpRequest *request);

/* Parameter @i of the route's pattern, an id; the rest of "{path...}". Borrowed. */
const char *mnb_http_request_param(MnbHttpRequest *request, guint i);
const char *mnb_http_request_rest(MnbHttpRequest *request);
/* Decoded, valid UTF-8 (else the request was refused). Borrowed; NULL: absent. */
const char *mnb_http_request_query(MnbHttpRequest *request, const char *name);
const char *mnb_http_request_header(MnbHttpRequest *request, const char *name);
/* Borrowed; not NUL-terminated for the callers: use @len_out. */
const char *mnb_http_request_body(MnbHttpRequest *request, gsize *len_out);
/* Of the client, from X-Forwarded-For, which nginx sets; "local" without nginx. */
const char *mnb_http_request_address(MnbHttpRequest *request);
gboolean mnb_http_request_is_local(MnbHttpRequest *request);
gboolean mnb_http_request_is_draining(MnbHttpRequest *request);
/* Page of a list: offset and limit from ?page and ?per_page. Answers a problem and returns FALSE
 * when they are not numbers in range. */
gboolean mnb_http_request_page(MnbHttpRequest *request, guint *page_out, guint *per_page_out);

/* May who asks do it: staff anywhere, the holder of a link in its own event (and, for a media link,
 * in its own session; @session NULL: not asked). */
gboolean mnb_http_request_may(MnbHttpRequest *request, MnbPermission permission, const char *event,
                              const char *session);

/* The JSON object of the body. Returns (owned): NULL after a problem was answered. */
MnbFields *mnb_http_request_fields(MnbHttpRequest *request);

gboolean mnb_http_request_is_gone(MnbHttpRequest *request);   /* the client, or the server */
gboolean mnb_http_request_is_closed(MnbHttpRequest *request); /* the server */

/* ---- bodies that are taken as they come (MNB_BODY_STREAM) ---- */

typedef struct {
    /* Some bytes; borrowed. */
    void (*chunk)(MnbHttpRequest *request, const void *bytes, gsize len, gpointer data);
    /* Once: the client is gone, or everything was answered. Last use of data. */
    void (*gone)(MnbHttpRequest *request, gpointer data);
} MnbHttpStreamCalls;

/* In begin(): @calls (static) take the body. */
void mnb_http_request_stream(MnbHttpRequest *request, const MnbHttpStreamCalls *calls,
                             gpointer data);
gpointer mnb_http_request_stream_data(MnbHttpRequest *request); /* NULL: none was set */
/* Reads no more of the body until go_on(). */
void mnb_http_request_hold(MnbHttpRequest *request);
void mnb_http_request_go_on(MnbHttpRequest *request);
/* Is there a body with this request (before it was read)? */
gboolean mnb_http_request_has_body(MnbHttpRequest *request);

/* Before the answer. Both strings are copied. */
void mnb_http_request_set_header(MnbHttpRequest *request, const char *name, const char *value);

/* The answers. Each takes over what it is given. */
void mnb_http_request_answer_json(MnbHttpRequest *request, guint status, json_t *json);
void mnb_http_request_answer_text(MnbHttpRequest *request, guint status, const char *type,
                                  const char *text);
void mnb_http_request_answer_empty(MnbHttpRequest *request, guint status);
void mnb_http_request_answer_problem(MnbHttpRequest *request, MnbProblem *problem);
void mnb_http_request_answer_not_found(MnbHttpRequest *request);
/* @error: borrowed; what is a failure of the server is logged. */
void mnb_http_request_answer_error(MnbHttpRequest *request, const GError *error);

/* Queues a change in the catalogue. When it is on disk, @then is called, also if the client is gone
 * meanwhile, but not when the server is; if it failed, the error is answered. @data goes to @func
 * (writer thread) and @then, then to @destroy. */
void mnb_http_request_write(MnbHttpRequest *request, MnbWriteFunc func, gpointer data,
                            GDestroyNotify destroy,
                            void (*then)(MnbHttpRequest *request, gpointer data));
