#include "server/media/priority.h"

#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>

#define AWAKE_MAX_US 500000 /* without a moment's sleep */
#define AGAIN_US     INT64_C(10000000)
#define NICE         (-10)

static volatile sig_atomic_t was_overloaded;
static int64_t lowered_us; /* when tick() first saw that; 0: not */

static int set_policy(int policy, int priority)
{
    const struct sched_param param = {.sched_priority = priority};
    return sched_setscheduler(0, policy, &param);
}

static void on_awake_too_long(int number)
{
    (void)number;
    set_policy(SCHED_OTHER, 0);
    was_overloaded = 1;
}

void mnb_priority_raise(void)
{
    const struct rlimit awake = {AWAKE_MAX_US, RLIM_INFINITY};
    const struct sigaction action = {.sa_handler = on_awake_too_long, .sa_flags = SA_RESTART};
    setpriority(PRIO_PROCESS, 0, NICE);
    if (sigaction(SIGXCPU, &action, NULL) == 0 && setrlimit(RLIMIT_RTTIME, &awake) == 0)
        set_policy(SCHED_RR, 1);
}

void mnb_priority_tick(int64_t now_us)
{
    if (was_overloaded == 0)
        return;
    if (lowered_us == 0) {
        lowered_us = now_us;
    } else if (now_us - lowered_us >= AGAIN_US) {
        was_overloaded = 0;
        lowered_us = 0;
        set_policy(SCHED_RR, 1);
    }
}
