/* confine.h - what a pipeline program takes away from itself before it opens the first film.
 *
 * The manager's walls (bubblewrap) are the better ones, but there are machines without user name
 * spaces. So each program also gives up the system calls that no film needs: sockets of any kind,
 * (but for live feeds) other programs, other processes, mounts, and the kernel's odd corners. They
 * fail with EPERM. */
#pragma once
#include <glib.h>

typedef struct {
    gboolean is_background; /* nice 10, SCHED_IDLE, idle I/O class */
    gboolean has_network;   /* sockets are left to it */
    guint64 data_bytes;     /* RLIMIT_DATA: private memory, not mapped files; 0: no limit */
} MnbConfinement;

/* To be called before there is a second thread. What cannot be had is said on standard error; it is
 * no reason not to work. */
void mnb_confine(const MnbConfinement *confinement);
