/* recorder.h - one part of a recording: the ring on one side, files and part-<P>.json on the other.
 *
 * Everything here runs in the thread of run(), which never waits for the disk (keeper.h does) and
 * not long for the manager (lines.h). */
#pragma once
#include <glib.h>

typedef struct {
    int ring_fd, event_fd; /* borrowed */
    const char *dir;       /* the recording's folder; exists */
    int part;              /* 1 and up */
} MnbRecorderOptions;

/* Records until "stop", SIGTERM or the end of standard input; prints the events.
 * SIGTERM must be blocked. Returns: FALSE with @error set (MNB_JOB_ERROR) when it could not begin
 * or the ring lied. */
gboolean mnb_recorder_run(const MnbRecorderOptions *options, GError **error);
