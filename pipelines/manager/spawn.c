#include "pipelines/manager/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FDS_MAX 32

static void reset_signals(void)
{
    sigset_t none;
    struct sigaction plain = {.sa_handler = SIG_DFL};
    for (int i = 1; i < NSIG; i++)
        sigaction(i, &plain, NULL); /* those that cannot be set fail, which is fine */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: only async-signal-safe calls, since other threads of ours may have held locks. */
static void exec_child(const MnbSpawn *spawn, pid_t parent, int report_fd)
{
    int moved[FDS_MAX];
    setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, spawn->death_signal) < 0 || getppid() != parent)
        _exit(1); /* the parent died before the prctl could see it */
    reset_signals();
    /* First out of the way of the targets, then onto them. */
    int floor = (int)spawn->n_fds;
    for (guint i = 0; i < spawn->n_fds; i++) {
        moved[i] = fcntl(spawn->fds[i], F_DUPFD_CLOEXEC, floor);
        if (moved[i] < 0)
            goto failed;
    }
    report_fd = fcntl(report_fd, F_DUPFD_CLOEXEC, floor);
    for (guint i = 0; i < spawn->n_fds; i++) {
        if (dup2(moved[i], (int)i) < 0)
            goto failed;
    }
    /* Close-on-exec instead of close: the report must still be told. */
    close_range(spawn->n_fds, ~0U, CLOSE_RANGE_CLOEXEC);
    execve(spawn->argv[0], spawn->argv, spawn->envp);
failed:;
    int error = errno;
    if (write(report_fd, &error, sizeof error) < 0)
        _exit(2);
    _exit(1);
}

int mnb_spawn(const MnbSpawn *spawn)
{
    int report[2];
    g_return_val_if_fail(spawn->n_fds >= 3 && spawn->n_fds <= FDS_MAX, -EINVAL);
    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        exec_child(spawn, parent, report[1]);
    int fork_error = errno;
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        return -fork_error;
    }
    int error = 0;
    ssize_t got;
    do {
        got = read(report[0], &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    close(report[0]);
    if (got != sizeof error)
        return pid;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return -error;
}
