/* The worker's priority: raised where that is permitted, and given up when it would starve others.
 */
#include "server/media/priority.h"
#include <glib.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOT_PERMITTED = 77, STARVES = 1, LET_GO = 42 };

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int work_without_sleep(void)
{
    mnb_priority_raise();
    if (sched_getscheduler(0) != SCHED_RR)
        return NOT_PERMITTED;
    while (cpu_s() < 3)
        if (sched_getscheduler(0) == SCHED_OTHER)
            return LET_GO;
    return STARVES;
}

static void test_overload(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(work_without_sleep());
    waitpid(pid, &status, 0);
    g_assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_PERMITTED)
        g_test_skip("no real-time priority here");
    else
        g_assert_cmpint(WEXITSTATUS(status), ==, LET_GO);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/priority/is-given-up-when-a-worker-never-sleeps", test_overload);
    return g_test_run();
}
