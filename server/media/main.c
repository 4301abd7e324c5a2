/* main.c - manabi-media: arguments, sandbox, and the worker's loop. Started by manabi only. */
#include "server/media/priority.h"
#include "server/media/sandbox.h"
#include "server/media/worker.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(const char *name)
{
    fprintf(stderr,
            "usage: %s --control-fd N --udp-fd N [--udp-fd N] [--tcp-fd N ...] [--index N]\n"
            "       [--no-sandbox]\n"
            "The media worker of manabi, which starts it. The descriptors are inherited:\n"
            "  --control-fd N   unix seqpacket socket to manabi (server/media/control.h)\n"
            "  --udp-fd N       bound UDP socket, IPv4 or IPv6; at most %d\n"
            "  --tcp-fd N       listening TCP socket, or the unix socket of the front door; at "
            "most %d\n"
            "  --index N        which of the workers this one is, 0 to 255\n"
            "  --no-sandbox     for debuggers, valgrind and sanitizers\n",
            name, MNB_WORKER_SOCKETS_MAX, MNB_WORKER_SOCKETS_MAX);
    return 2;
}

static bool parse_fd(const char *text, int *fd_out)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || *end != 0 || end == text || value < 0 || value > 1000000 ||
        fcntl((int)value, F_GETFD) < 0)
        return false;
    *fd_out = (int)value;
    return true;
}

static int fail(const char *what, int error)
{
    fprintf(stderr, "manabi-media: %s: %s\n", what, strerror(-error));
    return 1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"control-fd", required_argument, NULL, 'c'}, {"udp-fd", required_argument, NULL, 'u'},
        {"tcp-fd", required_argument, NULL, 't'},     {"index", required_argument, NULL, 'i'},
        {"no-sandbox", no_argument, NULL, 'n'},       {0},
    };
    MnbWorkerConfig config = {.control_fd = -1};
#if defined(__SANITIZE_ADDRESS__) /* it maps terabytes and reads files */
    bool has_sandbox = false;
#else
    bool has_sandbox = true;
#endif
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'n') {
            has_sandbox = false;
        } else if (option == 'c') {
            if (!parse_fd(optarg, &config.control_fd))
                return usage(argv[0]);
        } else if (option == 'u' && config.n_udp_fds < MNB_WORKER_SOCKETS_MAX) {
            if (!parse_fd(optarg, &config.udp_fds[config.n_udp_fds++]))
                return usage(argv[0]);
        } else if (option == 't' && config.n_tcp_fds < MNB_WORKER_SOCKETS_MAX) {
            if (!parse_fd(optarg, &config.tcp_fds[config.n_tcp_fds++]))
                return usage(argv[0]);
        } else if (option == 'i') {
            char *end;
            unsigned long index = strtoul(optarg, &end, 10);
            if (*optarg < '0' || *optarg > '9' || *end != 0 || index >= MNB_UFRAG_TAG_MAX)
                return usage(argv[0]);
            config.index = (unsigned)index;
        } else {
            return usage(argv[0]);
        }
    }
    if (config.control_fd < 0 || config.n_udp_fds == 0 || optind != argc)
        return usage(argv[0]);

    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* Ctrl-C in a terminal reaches the whole group; manabi decides */
    int flags = fcntl(config.control_fd, F_GETFL);
    if (flags < 0 || fcntl(config.control_fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return fail("control socket", -errno);
    mnb_priority_raise();
    int error = has_sandbox ? mnb_sandbox_prepare() : 0;
    if (error < 0)
        return fail("cannot set limits", error);
    MnbWorker *worker = mnb_worker_new(&config, &error);
    if (worker == NULL)
        return fail("cannot start", error);
    error = has_sandbox ? mnb_sandbox_enter() : 0;
    if (error < 0)
        return fail("cannot enter the sandbox", error);
    error = mnb_worker_run(worker);
    mnb_worker_free(worker);
    return error < 0 ? fail("stopped", error) : 0;
}
