/* error.h - failures of the control plane that somebody can act on.
 *
 * One GError domain with few codes: a code says what kind of answer the failure deserves, the text
 * names the object and what to do. Texts are lower case, without a full stop, and carry no secret.
 * Whoever handles an error logs it; whoever returns it does not. */
#pragma once
#include <glib.h>

#define MNB_ERROR mnb_error_quark()

typedef enum {
    MNB_ERROR_INVALID,      /* what was given is malformed or out of range */
    MNB_ERROR_NOT_FOUND,    /* no such thing, or not for who asks */
    MNB_ERROR_DENIED,       /* known who asks, and the answer is no */
    MNB_ERROR_CONFLICT,     /* the state of the object does not allow it, or it exists already */
    MNB_ERROR_STORAGE,      /* disk or database failed: nothing was confirmed */
    MNB_ERROR_STORAGE_FULL, /* no space left: nothing was confirmed */
    MNB_ERROR_UNAVAILABLE,  /* a process or device that is needed is not there now; try again */
    MNB_ERROR_TIMEOUT,      /* no answer in time */
    MNB_ERROR_LIMIT,        /* too many, too long or too fast */
    MNB_ERROR_BUSY,         /* in use by another process: a port, a lock */
    MNB_ERROR_MISSING,      /* a program, plugin or file that an operator has to install */
    MNB_ERROR_DAMAGED,      /* what is on disk is broken; it was left as it is */
    MNB_ERROR_FAILED,       /* anything else: a bug or the machine */
} MnbErrorCode;

GQuark mnb_error_quark(void);

/* Where the media plane's results (0 or negative errno) meet GError: sets *error from
 * @negative_errno, e.g. -ENOSPC gives MNB_ERROR_STORAGE_FULL and "WHAT: No space left on device".
 * @what: printf format naming the object. @error: may be NULL. Returns FALSE always, so that a
 * caller can `return mnb_error_from_errno(...)`. */
gboolean mnb_error_from_errno(GError **error, int negative_errno, const char *what, ...)
    G_GNUC_PRINTF(3, 4);

/* The code for a negative errno, as above. */
MnbErrorCode mnb_error_code_of_errno(int negative_errno);

/* "storage-full" for MNB_ERROR_STORAGE_FULL and so on: what APIs and job reasons carry. @error of
 * another domain gives "failed"; G_IO_ERROR is mapped to the nearest code. */
const char *mnb_error_name(const GError *error);
