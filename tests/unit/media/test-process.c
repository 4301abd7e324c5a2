/* manabi-media as a process: its arguments, its sandbox, its end. Takes the program's path. */
#include "server/media/control.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *program;

typedef struct {
    pid_t pid;
    int control_fd;
} Process;

static Process start(const char *more)
{
    int pair[2];
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
    g_assert_cmpint(bind(udp, (struct sockaddr *)&any, sizeof any), ==, 0);
    fcntl(pair[1], F_SETFD, 0);
    char control_text[16], udp_text[16];
    g_snprintf(control_text, sizeof control_text, "%d", pair[1]);
    g_snprintf(udp_text, sizeof udp_text, "%d", udp);
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, "--control-fd", control_text, "--udp-fd", udp_text, more, NULL);
        _exit(127);
    }
    close(pair[1]);
    close(udp);
    return (Process){pid, pair[0]};
}

static int wait_for_end(Process process)
{
    int status = -1;
    waitpid(process.pid, &status, 0);
    close(process.control_fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

static int status_field(pid_t pid, const char *name)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return -1;
    const char *at = strstr(text, name);
    return at == NULL ? -1 : atoi(at + strlen(name));
}

static void expect_ready(Process process)
{
    MnbControlMessage message;
    struct pollfd wait = {.fd = process.control_fd, .events = POLLIN};
    g_assert_cmpint(poll(&wait, 1, 20000), ==, 1);
    g_assert_cmpint(mnb_control_receive(process.control_fd, &message), ==, 1);
    g_assert_cmpint(message.type, ==, MNB_MEDIA_READY);
    const MnbMediaReady *ready = mnb_control_body(&message);
    g_assert_cmpuint(ready->version, ==, MNB_MEDIA_VERSION);
    g_assert_cmpuint(ready->pid, ==, (unsigned)process.pid);
}

static void test_sandbox(void)
{
    Process process = start(NULL);
    MnbControlMessage message;
    expect_ready(process);
    /* statistics come a second later: by then the filter is on and the loop runs under it */
    struct pollfd wait = {.fd = process.control_fd, .events = POLLIN};
    g_assert_cmpint(poll(&wait, 1, 20000), ==, 1);
    g_assert_cmpint(mnb_control_receive(process.control_fd, &message), ==, 1);
    g_assert_cmpint(message.type, ==, MNB_MEDIA_WORKER_STATS);
    g_assert_cmpint(status_field(process.pid, "Seccomp:\t"), ==, 2);
    g_assert_cmpint(status_field(process.pid, "NoNewPrivs:\t"), ==, 1);
    g_assert_cmpint(status_field(process.pid, "CoreDumping:\t"), ==, 0);
    shutdown(process.control_fd, SHUT_RDWR);
    g_assert_cmpint(wait_for_end(process), ==, 0);
}

static void test_without(void)
{
    Process process = start("--no-sandbox");
    expect_ready(process);
    g_assert_cmpint(status_field(process.pid, "Seccomp:\t"), ==, 0);
    shutdown(process.control_fd, SHUT_RDWR);
    g_assert_cmpint(wait_for_end(process), ==, 0);
}

static void test_usage(void)
{
    static const char *const wrong[][4] = {
        {NULL},
        {"--control-fd", "0"},
        {"--udp-fd", "0"},
        {"--control-fd", "777", "--udp-fd", "0"},
        {"--control-fd", "x", "--udp-fd", "0"},
        {"--what"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        pid_t pid = fork();
        if (pid == 0) {
            int null = open("/dev/null", O_RDWR);
            dup2(null, STDERR_FILENO);
            execl(program, program, wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3], NULL);
            _exit(127);
        }
        g_assert_cmpint(wait_for_end((Process){pid, -1}), ==, 2);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    program = argv[1];
    g_test_add_func("/manabi-media/runs-in-its-sandbox-and-ends-with-its-control-socket",
                    test_sandbox);
    g_test_add_func("/manabi-media/runs-without-a-sandbox-when-told", test_without);
    g_test_add_func("/manabi-media/refuses-wrong-arguments", test_usage);
    return g_test_run();
}
