/* What the sandbox lets through and what it does not, each tried in a child. */
#include "server/media/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Returns the exit status of @act in a sandboxed child, or 1000 + the signal that ended it. */
static int try_inside(int (*act)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (mnb_sandbox_prepare() < 0 || mnb_sandbox_enter() < 0)
            _exit(99);
        _exit(act());
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int make_socket(void)
{
    return socket(AF_INET, SOCK_DGRAM, 0) < 0;
}

static int start_program(void)
{
    char *const argv[] = {(char *)"true", NULL};
    execv("/bin/true", argv);
    return 1;
}

static int make_process(void)
{
    return fork() < 0;
}

static int open_file(void)
{
    return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? 42 : 1;
}

static int map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
           MAP_FAILED;
}

static int udp_fd;

static int let_fragment(void)
{
    int discover = IP_PMTUDISC_WANT;
    return setsockopt(udp_fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof discover) == 0 ? 44
                                                                                            : 1;
}

static int listen_to_all(void)
{
    int on = 1;
    return setsockopt(udp_fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) < 0;
}

static int do_the_work(void)
{
    char *memory = malloc(1 << 20);
    if (memory == NULL)
        return 1;
    memory[1000] = 1;
    free(memory);
    return 43;
}

static void test_forbidden(void)
{
    g_assert_cmpint(try_inside(make_socket), ==, 1000 + SIGSYS);
    g_assert_cmpint(try_inside(start_program), ==, 1000 + SIGSYS);
    g_assert_cmpint(try_inside(make_process), ==, 1000 + SIGSYS);
    g_assert_cmpint(try_inside(map_code), ==, 1000 + SIGSYS);
    g_assert_cmpint(try_inside(open_file), ==, 42);
}

static void test_allowed(void)
{
    g_assert_cmpint(try_inside(do_the_work), ==, 43);
    udp_fd = socket(AF_INET, SOCK_DGRAM, 0);
    g_assert_cmpint(try_inside(let_fragment), ==, 44);
    g_assert_cmpint(try_inside(listen_to_all), ==, 1000 + SIGSYS);
    close(udp_fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sandbox/ends-what-makes-sockets-programs-or-code", test_forbidden);
    g_test_add_func("/sandbox/lets-memory-be-used", test_allowed);
    return g_test_run();
}
