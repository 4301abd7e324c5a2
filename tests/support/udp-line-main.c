/* udp-line - a bad line on this machine, in real time, for looking at a session by hand:
 *
 *     udp-line --server 127.0.0.1:40000 --down loss=50,delay=40,jitter=30,rate=600,queue=200
 *              --up loss=10,burst=3,reorder=20,duplicate=10 --seed 7
 *
 * loss, reorder and duplicate in permille, delay, jitter and queue in ms, rate in kbit/s. Prints
 * the port that peers send to, and a line of counters each second. Ends on SIGINT. */
#include "tests/support/udp-line.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static bool parse_side(UdpLineSide *side, char *text)
{
    for (char *word = strtok(text, ","); word != NULL; word = strtok(NULL, ",")) {
        char *value = strchr(word, '=');
        if (value == NULL)
            return false;
        *value++ = '\0';
        long number = strtol(value, NULL, 10);
        if (strcmp(word, "loss") == 0)
            side->loss_permille = (unsigned)number;
        else if (strcmp(word, "burst") == 0)
            side->loss_burst = (unsigned)number;
        else if (strcmp(word, "delay") == 0)
            side->delay_us = number * 1000;
        else if (strcmp(word, "jitter") == 0)
            side->jitter_us = number * 1000;
        else if (strcmp(word, "reorder") == 0)
            side->reorder_permille = (unsigned)number;
        else if (strcmp(word, "duplicate") == 0)
            side->duplicate_permille = (unsigned)number;
        else if (strcmp(word, "rate") == 0)
            side->rate_bps = number * 1000;
        else if (strcmp(word, "queue") == 0)
            side->queue_us = number * 1000;
        else
            return false;
    }
    side->reorder_us = 5000;
    return true;
}

static bool parse_server(struct sockaddr_in *server, char *text)
{
    char *port = strchr(text, ':');
    if (port == NULL)
        return false;
    *port++ = '\0';
    server->sin_family = AF_INET;
    server->sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    return inet_pton(AF_INET, text, &server->sin_addr) == 1;
}

static void print_side(const char *name, const UdpLineCounters *counters)
{
    printf("%s packets=%" PRIu64 " lost=%" PRIu64 " overflowed=%" PRIu64 " queue_ms=%" PRId64 "  ",
           name, counters->packets, counters->lost, counters->overflowed,
           counters->queue_us / 1000);
}

static void run(UdpLine *line)
{
    int64_t print_us = now() + 1000000;
    for (;;) {
        int fds[UDP_LINE_PEERS_MAX + 1];
        struct pollfd polls[UDP_LINE_PEERS_MAX + 1];
        int64_t due_us = udp_line_step(line, now());
        unsigned n = udp_line_fds(line, fds);
        for (unsigned i = 0; i < n; i++)
            polls[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
        if (due_us < 0 || due_us > print_us)
            due_us = print_us;
        int64_t wait_us = due_us - now();
        struct timespec wait = {0, wait_us > 0 ? wait_us * 1000 % 1000000000 : 0};
        ppoll(polls, n, &wait, NULL);
        if (now() < print_us)
            continue;
        print_us += 1000000;
        print_side("up", udp_line_counters(line, true));
        print_side("down", udp_line_counters(line, false));
        puts("");
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in server = {0};
    UdpLineSide up = {0};
    UdpLineSide down = {0};
    uint32_t seed = 1;
    bool is_fine = argc > 1 && argc % 2 == 1;
    for (int i = 1; is_fine && i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--server") == 0)
            is_fine = parse_server(&server, argv[i + 1]);
        else if (strcmp(argv[i], "--up") == 0)
            is_fine = parse_side(&up, argv[i + 1]);
        else if (strcmp(argv[i], "--down") == 0)
            is_fine = parse_side(&down, argv[i + 1]);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        else
            is_fine = false;
    }
    if (!is_fine || server.sin_port == 0) {
        fprintf(stderr, "usage: udp-line --server ADDRESS:PORT [--up WORDS] [--down WORDS]\n");
        return 2;
    }
    UdpLine *line = udp_line_new(&server, seed);
    if (line == NULL) {
        perror("udp-line");
        return 1;
    }
    udp_line_set(line, &up, &down);
    struct sockaddr_in front = udp_line_front(line);
    printf("127.0.0.1:%u\n", ntohs(front.sin_port));
    fflush(stdout);
    run(line);
}
