/* request.h - one request, from its headers to its answer: what every handler works with.
 *
 *     headers --> route found, limits, who asks, may they --> body --> route->run(request)
 *                        | no: a problem, the body is not kept            |
 *                        v                                                v
 *                     answer <---------------------- at once, or later (the request is paused)
 *
 * A handler answers exactly once, at once or later. One that answers later holds a reference. The
 * client may be gone by then: answering is harmless, and mnb_request_is_gone() tells. When the
 * server itself is gone, nothing reached through services() is there any more; mnb_request_write()
 * looks after that, other late callbacks ask mnb_request_is_closed() first. Main thread.
 */
#pragma once
#include "recordings/catalog.h"
#include "recordings/link.h"
#include "recordings/staff.h"
#include "server/access/passwords.h"
#include "server/base/clock.h"
#include "server/http/fields.h"
#include "server/http/problem.h"
#include "server/http/rate.h"
#include "server/http/router.h"
#include "server/rooms/rooms.h"
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
    MnbRate *sign_ins; /* tries with a password, by address */
    MnbRate *guesses;  /* tokens that opened nothing, by address */
    const char *public_url;
    const char *version;
    gboolean is_secure; /* public_url is https */
} MnbServices;

MnbRequest *mnb_request_ref(MnbRequest *request);
void mnb_request_unref(MnbRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbRequest, mnb_request_unref)

const MnbServices *mnb_request_services(MnbRequest *request);
const MnbAsker *mnb_request_asker(MnbRequest *request);
MnbDb *mnb_request_db(MnbRequest *request); /* the catalogue's reader */
gint64 mnb_request_wall_us(MnbRequest *request);
gint64 mnb_request_now_us(MnbRequest *request);

/* Parameter @i of the route's pattern, an id; the rest of "{path...}". Borrowed. */
const char *mnb_request_param(MnbRequest *request, guint i);
const char *mnb_request_rest(MnbRequest *request);
/* Decoded, valid UTF-8 (else the request was refused). Borrowed; NULL: absent. */
const char *mnb_request_query(MnbRequest *request, const char *name);
const char *mnb_request_header(MnbRequest *request, const char *name);
/* Borrowed; not NUL-terminated for the callers: use @len_out. */
const char *mnb_request_body(MnbRequest *request, gsize *len_out);
/* Of the client, from X-Forwarded-For, which nginx sets; "local" without nginx. */
const char *mnb_request_address(MnbRequest *request);
gboolean mnb_request_is_local(MnbRequest *request);
gboolean mnb_request_is_draining(MnbRequest *request);
/* Page of a list: offset and limit from ?page and ?per_page. Answers a problem and returns FALSE
 * when they are not numbers in range. */
gboolean mnb_request_page(MnbRequest *request, guint *page_out, guint *per_page_out);

/* May who asks do it: staff anywhere, the holder of a link in its own event (and, for a media link,
 * in its own session; @session NULL: not asked). */
gboolean mnb_request_may(MnbRequest *request, MnbPermission permission, const char *event,
                         const char *session);

/* The JSON object of the body. Returns (owned): NULL after a problem was answered. */
MnbFields *mnb_request_fields(MnbRequest *request);

gboolean mnb_request_is_gone(MnbRequest *request);   /* the client, or the server */
gboolean mnb_request_is_closed(MnbRequest *request); /* the server */

/* Before the answer. Both strings are copied. */
void mnb_request_set_header(MnbRequest *request, const char *name, const char *value);

/* The answers. Each takes over what it is given. */
void mnb_request_answer_json(MnbRequest *request, guint status, json_t *json);
void mnb_request_answer_text(MnbRequest *request, guint status, const char *type, const char *text);
void mnb_request_answer_empty(MnbRequest *request, guint status);
void mnb_request_answer_problem(MnbRequest *request, MnbProblem *problem);
void mnb_request_answer_not_found(MnbRequest *request);
/* @error: borrowed; what is a failure of the server is logged. */
void mnb_request_answer_error(MnbRequest *request, const GError *error);

/* Queues a change in the catalogue. When it is on disk, @then is called, also if the client is gone
 * meanwhile, but not when the server is; if it failed, the error is answered. @data goes to @func
 * (writer thread) and @then, then to @destroy. */
void mnb_request_write(MnbRequest *request, MnbWriteFunc func, gpointer data,
                       GDestroyNotify destroy, void (*then)(MnbRequest *request, gpointer data));
