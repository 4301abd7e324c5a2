#include "pipelines/common/confine.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_BYTES (2u << 20) /* of a thread: decoders start a dozen for each core */

static void set_limit(int resource, rlim_t value)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) == 0 && value < limit.rlim_max)
        setrlimit(resource, &(struct rlimit){.rlim_cur = value, .rlim_max = value});
}

static void die_with_parent(void)
{
    pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        raise(SIGTERM); /* the parent died before the line above */
}

static void lower_priority(void)
{
    errno = 0;
    if (nice(10) == -1 && errno != 0)
        g_printerr("nice: %s\n", g_strerror(errno));
    if (sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0}) != 0)
        g_printerr("SCHED_IDLE: %s\n", g_strerror(errno));
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

#if !defined(__SANITIZE_ADDRESS__)
/* A list of what is forbidden, not of what is allowed: decoders, libc and the kernel's vDSO
 * fallbacks differ too much between machines for the other kind. */
static void forbid_calls(gboolean has_network)
{
    static const int sockets[] = {
        SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind),
        SCMP_SYS(listen), SCMP_SYS(accept),  SCMP_SYS(accept4),
    };
    static const int calls[] = {
        SCMP_SYS(execve),
        SCMP_SYS(execveat),
        SCMP_SYS(ptrace),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(process_vm_writev),
        SCMP_SYS(pidfd_getfd),
        SCMP_SYS(mount),
        SCMP_SYS(umount2),
        SCMP_SYS(pivot_root),
        SCMP_SYS(chroot),
        SCMP_SYS(setns),
        SCMP_SYS(unshare),
        SCMP_SYS(open_by_handle_at),
        SCMP_SYS(name_to_handle_at),
        SCMP_SYS(bpf),
        SCMP_SYS(perf_event_open),
        SCMP_SYS(userfaultfd),
        SCMP_SYS(io_uring_setup),
        SCMP_SYS(add_key),
        SCMP_SYS(request_key),
        SCMP_SYS(keyctl),
        SCMP_SYS(init_module),
        SCMP_SYS(finit_module),
        SCMP_SYS(delete_module),
        SCMP_SYS(kexec_load),
        SCMP_SYS(reboot),
        SCMP_SYS(swapon),
        SCMP_SYS(personality),
    };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int result = filter != NULL ? 0 : -ENOMEM;
    for (gsize i = 0; result == 0 && !has_network && i < G_N_ELEMENTS(sockets); i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), sockets[i], 0);
    for (gsize i = 0; result == 0 && i < G_N_ELEMENTS(calls); i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
    if (result == 0)
        result = seccomp_load(filter);
    if (result != 0)
        g_printerr("seccomp: %s\n", g_strerror(-result));
    seccomp_release(filter);
}
#endif

void mnb_confine(const MnbConfinement *confinement)
{
    die_with_parent();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    set_limit(RLIMIT_CORE, 0);
    if (confinement->is_background)
        lower_priority();
#if !defined(__SANITIZE_ADDRESS__)
    /* ASan's shadow is terabytes of private memory, its report runs a program, its threads want
     * stack. */
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) == 0) {
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        pthread_setattr_default_np(&attributes);
        pthread_attr_destroy(&attributes);
    }
    if (confinement->data_bytes != 0)
        set_limit(RLIMIT_DATA, confinement->data_bytes);
    forbid_calls(confinement->has_network);
#endif
}
