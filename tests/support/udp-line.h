/* udp-line.h - a bad line between a UDP peer and a server, in user space: loss (single or in
 * bursts), delay, jitter, reordering, duplicates, a rate limit with a queue that drops its tail.
 *
 *     peer  <-->  front socket | up, down |  a socket for each peer  <-->  server
 *
 * Each peer (source address) gets a line of its own. All chance comes from one seed. The clock is
 * the caller's: with a clock that only moves when told, a minute of bad line takes a moment and is
 * the same each time. One thread; nothing blocks. The program udp-line.c around it keeps real time.
 */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define UDP_LINE_PEERS_MAX   16
#define UDP_LINE_PACKETS_MAX 8192 /* under way, both directions; more are dropped */

/* One direction. All zero: a perfect line. */
typedef struct {
    unsigned loss_permille;
    unsigned loss_burst; /* packets lost in a row each time; 0 and 1: one */
    int64_t delay_us;
    int64_t jitter_us;         /* up to so much more, order kept */
    unsigned reorder_permille; /* these come reorder_us later, overtaken by others */
    int64_t reorder_us;
    unsigned duplicate_permille;
    int64_t rate_bps; /* 0: no limit */
    int64_t queue_us; /* at the limit: what would wait longer is dropped; 0: 200 ms */
} UdpLineSide;

typedef struct {
    uint64_t packets, bytes; /* that came in */
    uint64_t lost, overflowed, duplicated, reordered;
    int64_t queue_us; /* wait of the last packet at the limit */
} UdpLineCounters;

typedef struct UdpLine UdpLine;

/* A line to @server (loopback). The front socket is bound to a free port of 127.0.0.1.
 * Returns (owned); NULL with errno. */
UdpLine *udp_line_new(const struct sockaddr_in *server, uint32_t seed);
void udp_line_free(UdpLine *line);

/* Where peers send to. */
struct sockaddr_in udp_line_front(const UdpLine *line);

/* May be changed at any time; holds for packets from then on. */
void udp_line_set(UdpLine *line, const UdpLineSide *up, const UdpLineSide *down);
const UdpLineCounters *udp_line_counters(const UdpLine *line, bool is_up);

/* Reads what came and sends what is due at @now_us. Returns: when to call again at the latest (-1:
 * when a socket can be read). */
int64_t udp_line_step(UdpLine *line, int64_t now_us);

/* Sockets to wait for. Returns: how many were written to @fds (UDP_LINE_PEERS_MAX + 1). */
unsigned udp_line_fds(const UdpLine *line, int *fds);
