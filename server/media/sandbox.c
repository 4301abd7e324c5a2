#include "server/media/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const int allowed[] = {
    /* packets, control socket, eventfds of taps, stderr */
    SCMP_SYS(recvmmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(close),
    SCMP_SYS(accept4), /* of the listening sockets we were given: there are no others */
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    /* memory: malloc, and the rings of taps (PROT_EXEC is refused below) */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    /* time, random numbers, accounts */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(futex),
    /* signals and the end */
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(tgkill),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

int mnb_sandbox_prepare(void)
{
    static const struct {
        __rlimit_resource_t what;
        rlim_t limit;
    } limits[] = {
        {RLIMIT_CORE, 0},
        {RLIMIT_NOFILE, 4096},
        {RLIMIT_AS, (rlim_t)4 << 30},
    };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -errno;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct rlimit now;
        if (getrlimit(limits[i].what, &now) < 0)
            return -errno;
        if (now.rlim_max != RLIM_INFINITY && now.rlim_max < limits[i].limit)
            continue;
        now.rlim_cur = now.rlim_max = limits[i].limit;
        if (setrlimit(limits[i].what, &now) < 0)
            return -errno;
    }
    return 0;
}

int mnb_sandbox_enter(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (ctx == NULL)
        return -ENOMEM;
    int error = 0;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0] && error == 0; i++)
        error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
    if (error == 0)
        error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (error == 0)
        error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* a tap's ring: its descriptors are duplicated and made not to block, its seals looked at */
    static const unsigned fcntls[] = {F_DUPFD_CLOEXEC, F_GET_SEALS, F_GETFL, F_SETFL, F_GETFD};
    for (size_t i = 0; i < sizeof fcntls / sizeof fcntls[0] && error == 0; i++)
        error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                                 SCMP_A1(SCMP_CMP_EQ, fcntls[i]));
    if (error == 0) /* its own: priority.c */
        error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sched_setscheduler), 1,
                                 SCMP_A0(SCMP_CMP_EQ, 0));
    /* A path too narrow for a packet: tx.c lets the kernel cut. */
    if (error == 0)
        error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
                                 SCMP_A1(SCMP_CMP_EQ, IPPROTO_IP),
                                 SCMP_A2(SCMP_CMP_EQ, IP_MTU_DISCOVER));
    /* OpenSSL's random generator and libc ask for files now and then: they are told there are none
     * rather than being killed. Nothing is opened. */
    static const int absent[] = {SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(access),
                                 SCMP_SYS(readlink), SCMP_SYS(uname)};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0] && error == 0; i++)
        error = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), absent[i], 0);
    if (error == 0)
        error = seccomp_load(ctx);
    seccomp_release(ctx);
    return error;
}
