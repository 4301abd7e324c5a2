/* problem.h - an error as the API tells it: application/problem+json (RFC 9457).
 *
 *     {"type":"/problems/invalid","title":"Unprocessable Content","status":422,
 *      "detail":"what is wrong and what to do","code":"invalid",
 *      "errors":[{"field":"title_en","code":"too-long"}]}
 *
 * `code` is for programs and translations, `detail` for whoever reads it in English. What does not
 * exist and what is not yours are one and the same problem: mnb_problem_not_found(). Main thread.
 */
#pragma once
#include <glib.h>

#define MNB_PROBLEM_FIELDS_MAX 32 /* more wrong fields than this are not listed */

typedef struct MnbProblem MnbProblem;

/* @code: static or longer living than the problem. @detail: printf format.
 * Returns (owned). */
MnbProblem *mnb_problem_new(guint status, const char *code, const char *detail, ...)
    G_GNUC_PRINTF(3, 4);
void mnb_problem_free(MnbProblem *problem); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbProblem, mnb_problem_free)

/* 404 "not-found", always with the same words. */
MnbProblem *mnb_problem_not_found(void);

/* The problem that fits an error of server/base/error.h or server/rooms/rooms.h. The text of an
 * error below status 500 is shown; of others only that it was logged (the caller logs it). */
MnbProblem *mnb_problem_from_error(const GError *error);

/* Both strings are copied. */
void mnb_problem_add_field(MnbProblem *problem, const char *field, const char *code);

/* For 429 and 503: seconds, sent as Retry-After. 0: not sent. */
void mnb_problem_set_retry_after(MnbProblem *problem, guint seconds);

guint mnb_problem_status(const MnbProblem *problem);
const char *mnb_problem_code(const MnbProblem *problem);
guint mnb_problem_retry_after(const MnbProblem *problem);

/* Returns (owned): the JSON text, NUL-terminated. */
char *mnb_problem_to_json(const MnbProblem *problem);

/* "Unprocessable Content" for 422. Returns (static). */
const char *mnb_http_status_phrase(guint status);
