/* station.h - one feed from the field: commands of manabi in, a source at a time, the outlet,
 * events out (docs/pipelines.md). When a source ends, the next one begins: an encoder may go and
 * come back as often as it likes. Main thread with its own main loop. */
#pragma once
#include <glib.h>

typedef struct {
    int ring_fd, event_fd; /* inherited: the packet ring and its bell */
} MnbStationOptions;

/* Runs until it is told to stop, SIGTERM, or the end of standard input.
 * Returns: FALSE with @error (MNB_JOB_ERROR) when the feed cannot be. */
gboolean mnb_station_run(const MnbStationOptions *options, GError **error);
