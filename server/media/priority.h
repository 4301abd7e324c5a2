/* priority.h - a worker comes first on a busy machine, and starves nobody.
 *
 * Forwarding takes microseconds, many times a second; what makes it late is waiting for a processor
 * that an encoder has. Where it is permitted (root, RLIMIT_RTPRIO) the worker runs as SCHED_RR,
 * which no other process delays; else with a raised nice value, which is something only inside its
 * own scheduler group. A worker that does not sleep for half a second has more to do than there is
 * time: then it takes its turn like everybody (SIGXCPU by RLIMIT_RTTIME), and tries again after ten
 * seconds. */
#pragma once
#include <stdint.h>

/* Before the sandbox. What is not permitted is left out. */
void mnb_priority_raise(void);

/* Now and then: raises the priority again that overload took away. */
void mnb_priority_tick(int64_t now_us);
