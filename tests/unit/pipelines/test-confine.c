#include "pipelines/common/confine.h"

#include "pipelines/common/leaks.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

MNB_LEAKS_NOT_LOOKED_FOR;

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED TRUE
#else
#define IS_SANITIZED FALSE
#endif

enum { FINE, NO_THREAD, HAS_SOCKET, HAS_EXEC, HAS_PIPE_TROUBLE, HAS_CORE };

static gpointer on_thread(gpointer data)
{
    return data;
}

/* In a child: the confinement cannot be taken off again. */
static int look(void)
{
    struct rlimit core;
    int fds[2];
    mnb_confine(&(MnbConfinement){.is_background = TRUE, .data_bytes = 1ull << 30});
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM)
        return HAS_SOCKET;
    if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
        return HAS_SOCKET;
    execl("/bin/true", "true", NULL);
    if (errno != EPERM)
        return HAS_EXEC;
    if (pipe(fds) != 0)
        return HAS_PIPE_TROUBLE;
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0)
        return HAS_CORE;
    GThread *thread = g_thread_new("t", on_thread, look);
    return g_thread_join(thread) == look ? FINE : NO_THREAD;
}

static void test_calls(void)
{
    if (IS_SANITIZED) {
        g_test_skip("calls are not forbidden under AddressSanitizer");
        return;
    }
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(look());
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, FINE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pipelines/confine/has-no-network-and-no-other-programs", test_calls);
    return g_test_run();
}
