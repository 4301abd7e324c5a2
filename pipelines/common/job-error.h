/* job-error.h - why a pipeline program gave up, in words that the manager understands.
 *
 * The words and whether a second try helps: docs/pipelines.md. Used as a GError domain, so the code
 * travels with the English reason up to main(), which prints both. */
#pragma once
#include <gst/gst.h>

#define MNB_JOB_ERROR (mnb_job_error_quark())

typedef enum {
    MNB_JOB_INTERNAL,
    MNB_JOB_BAD_JOB,
    MNB_JOB_MISSING_PLUGIN,
    MNB_JOB_NOT_A_FILM,
    MNB_JOB_NO_TRACKS,
    MNB_JOB_TOO_LARGE,
    MNB_JOB_DAMAGED,
    MNB_JOB_DISK_FULL,
    MNB_JOB_IO,
    MNB_JOB_STALLED,
    MNB_JOB_STOPPED,
} MnbJobError;

GQuark mnb_job_error_quark(void);

/* @error: of any domain; those of others become "internal". Returns: a word such as "not-a-film".
 */
const char *mnb_job_error_word(const GError *error);

/* Sets @error from errno: ENOSPC and EDQUOT become DISK_FULL, everything else IO.
 * @what: what was tried, such as "write part-1.json". Returns: FALSE, always. */
gboolean mnb_job_error_set_errno(GError **error, int errnum, const char *what);

/* Sets @error from what an element posted. Files without space become DISK_FULL, read and write
 * failures IO, streams that cannot be demuxed or decoded DAMAGED. @message: of type ERROR. */
void mnb_job_error_set_message(GError **error, GstMessage *message);
