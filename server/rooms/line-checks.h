/* line-checks.h - somebody tries the line before a session: a picture goes to a media worker and
 * comes back.
 *
 * One check is two transports of a room of its own at a worker, as a browser in a session has them:
 * one publishes a picture, the other gets the same picture back, through the same forwarding and
 * bandwidth estimate. Nothing of it is in any log, and nobody else sees it. The browser measures
 * (round trip, what it sends and receives), by UDP or by TCP as it chooses among the candidates.
 *
 * Bounded: MNB_LINE_CHECKS_MAX at once in the whole server, MNB_LINE_CHECK_S seconds each, and no
 * more than MNB_LINE_CHECK_BPS come back. A check ends early when one of its transports closes.
 * Main thread. */
#pragma once
#include "pipelines/manager/media-pool.h"
#include "server/rooms/rooms.h"
#include <glib.h>

#define MNB_LINE_CHECKS_MAX 16
#define MNB_LINE_CHECK_S    20
#define MNB_LINE_CHECK_BPS  3000000

/* @pool: borrowed, lives longer. Returns (owned). */
MnbLineChecks *mnb_line_checks_new(MnbMediaPool *pool);
void mnb_line_checks_free(MnbLineChecks *self); /* NULL is fine; ends all */

guint mnb_line_checks_count(const MnbLineChecks *self); /* under way */

/* @publish: an SDP offer with a picture that is sent; @receive: one with a picture that is wanted.
 * Both of at most 64 KiB. Of other m-lines nothing is taken.
 * Sets *@publish_answer, *@receive_answer (owned). FALSE with @error of MNB_ROOMS_ERROR: BAD_SDP
 * and NO_COMMON_CODEC (the message names the offer), TOO_MANY, MEDIA_UNAVAILABLE. */
gboolean mnb_line_checks_begin(MnbLineChecks *self, const char *publish, const char *receive,
                               char **publish_answer, char **receive_answer, GError **error);
