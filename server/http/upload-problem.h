/* upload-problem.h - why an upload is refused, as the API tells it. */
#pragma once
#include "server/http/problem.h"
#include "server/uploads/uploads.h"

/* @size: bytes that were asked for; @left: that there is room for. @error: of MNB_UPLOADS_FAILED.
 * Returns (owned): NULL when it is welcome. */
MnbProblem *mnb_upload_problem_of_verdict(MnbUploadsVerdict verdict, gint64 size, gint64 left,
                                          const GError *error);

/* Of what mnb_uploads_open() and on_closed tell. Returns (owned). */
MnbProblem *mnb_upload_problem_of_error(const GError *error);
