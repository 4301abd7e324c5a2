#include "tests/support/udp-line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM_MAX     2048
#define QUEUE_DEFAULT_US 200000
#define BUFFER_BYTES     (4 << 20)

typedef struct {
    int64_t due_us;
    uint64_t order; /* of arrival: ties keep it */
    unsigned peer;
    bool is_up;
    size_t size;
    uint8_t *data;
} Packet;

typedef struct {
    struct sockaddr_in address;
    int fd;
    struct {
        int64_t free_us; /* when the limit has sent all that waits */
        int64_t due_us;  /* of the last packet in order */
        unsigned burst;  /* still to be lost */
    } state[2];
} LinePeer;

struct UdpLine {
    struct sockaddr_in server;
    int front_fd;
    struct sockaddr_in front;
    UdpLineSide sides[2]; /* down, up */
    UdpLineCounters counters[2];
    LinePeer peers[UDP_LINE_PEERS_MAX];
    unsigned n_peers;
    Packet *heap[UDP_LINE_PACKETS_MAX]; /* earliest first */
    unsigned n;
    uint64_t order;
    uint64_t random;
};

static int open_socket(struct sockaddr_in *address_out)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof any;
    int bytes = BUFFER_BYTES;
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0 ||
        getsockname(fd, (struct sockaddr *)&any, &size) < 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    *address_out = any;
    return fd;
}

UdpLine *udp_line_new(const struct sockaddr_in *server, uint32_t seed)
{
    UdpLine *line = calloc(1, sizeof *line);
    if (line == NULL)
        return NULL;
    line->server = *server;
    line->random = seed * 2654435761u + 1u;
    line->front_fd = open_socket(&line->front);
    if (line->front_fd < 0) {
        free(line);
        return NULL;
    }
    return line;
}

static void packet_free(Packet *packet)
{
    free(packet->data);
    free(packet);
}

void udp_line_free(UdpLine *line)
{
    if (line == NULL)
        return;
    for (unsigned i = 0; i < line->n; i++)
        packet_free(line->heap[i]);
    for (unsigned i = 0; i < line->n_peers; i++)
        close(line->peers[i].fd);
    close(line->front_fd);
    free(line);
}

struct sockaddr_in udp_line_front(const UdpLine *line)
{
    return line->front;
}

void udp_line_set(UdpLine *line, const UdpLineSide *up, const UdpLineSide *down)
{
    line->sides[true] = *up;
    line->sides[false] = *down;
}

const UdpLineCounters *udp_line_counters(const UdpLine *line, bool is_up)
{
    return &line->counters[is_up];
}

unsigned udp_line_fds(const UdpLine *line, int *fds)
{
    fds[0] = line->front_fd;
    for (unsigned i = 0; i < line->n_peers; i++)
        fds[i + 1] = line->peers[i].fd;
    return line->n_peers + 1;
}

/* ---- chance (xorshift64*) ---- */

static uint32_t next_random(UdpLine *line)
{
    line->random ^= line->random >> 12;
    line->random ^= line->random << 25;
    line->random ^= line->random >> 27;
    return (uint32_t)(line->random * UINT64_C(2685821657736338717) >> 32);
}

static bool happens(UdpLine *line, unsigned permille)
{
    return permille > 0 && next_random(line) % 1000 < permille;
}

/* ---- packets under way ---- */

static bool is_before(const Packet *a, const Packet *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void push(UdpLine *line, Packet *packet)
{
    unsigned at = line->n++;
    while (at > 0 && is_before(packet, line->heap[(at - 1) / 2])) {
        line->heap[at] = line->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    line->heap[at] = packet;
}

static Packet *pop(UdpLine *line)
{
    Packet *first = line->heap[0];
    Packet *last = line->heap[--line->n];
    unsigned at = 0;
    for (;;) {
        unsigned child = at * 2 + 1;
        if (child >= line->n)
            break;
        if (child + 1 < line->n && is_before(line->heap[child + 1], line->heap[child]))
            child++;
        if (!is_before(line->heap[child], last))
            break;
        line->heap[at] = line->heap[child];
        at = child;
    }
    line->heap[at] = last;
    return first;
}

static void schedule(UdpLine *line, unsigned peer, bool is_up, const uint8_t *data, size_t size,
                     int64_t due_us)
{
    Packet *packet = line->n == UDP_LINE_PACKETS_MAX ? NULL : malloc(sizeof *packet);
    if (packet == NULL) {
        line->counters[is_up].overflowed++;
        return;
    }
    *packet = (Packet){.due_us = due_us,
                       .order = line->order++,
                       .peer = peer,
                       .is_up = is_up,
                       .size = size,
                       .data = malloc(size + 1)};
    if (packet->data == NULL)
        abort();
    memcpy(packet->data, data, size);
    push(line, packet);
}

static bool is_lost(UdpLine *line, LinePeer *peer, bool is_up)
{
    const UdpLineSide *side = &line->sides[is_up];
    if (peer->state[is_up].burst > 0) {
        peer->state[is_up].burst--;
        return true;
    }
    if (!happens(line, side->loss_permille))
        return false;
    peer->state[is_up].burst = side->loss_burst > 1 ? side->loss_burst - 1 : 0;
    return true;
}

static void take(UdpLine *line, unsigned index, bool is_up, const uint8_t *data, size_t size,
                 int64_t now_us)
{
    const UdpLineSide *side = &line->sides[is_up];
    UdpLineCounters *counters = &line->counters[is_up];
    LinePeer *peer = &line->peers[index];
    int64_t due_us = now_us;
    counters->packets++;
    counters->bytes += size;
    if (is_lost(line, peer, is_up)) {
        counters->lost++;
        return;
    }
    if (side->rate_bps > 0) {
        int64_t queue_us = side->queue_us > 0 ? side->queue_us : QUEUE_DEFAULT_US;
        int64_t *free_us = &peer->state[is_up].free_us;
        if (*free_us < now_us)
            *free_us = now_us;
        if (*free_us - now_us > queue_us) {
            counters->overflowed++;
            return;
        }
        *free_us += (int64_t)(size + 28) * 8 * 1000000 / side->rate_bps; /* IP and UDP, too */
        due_us = *free_us;
        counters->queue_us = due_us - now_us;
    }
    due_us += side->delay_us;
    if (side->jitter_us > 0)
        due_us += next_random(line) % (uint32_t)(side->jitter_us + 1);
    if (due_us < peer->state[is_up].due_us)
        due_us = peer->state[is_up].due_us;
    peer->state[is_up].due_us = due_us;
    if (happens(line, side->reorder_permille)) {
        counters->reordered++;
        due_us += side->reorder_us;
    }
    schedule(line, index, is_up, data, size, due_us);
    if (happens(line, side->duplicate_permille)) {
        counters->duplicated++;
        schedule(line, index, is_up, data, size, due_us);
    }
}

/* ---- sockets ---- */

static int find_peer(UdpLine *line, const struct sockaddr_in *address)
{
    struct sockaddr_in ignored;
    for (unsigned i = 0; i < line->n_peers; i++)
        if (line->peers[i].address.sin_port == address->sin_port)
            return (int)i;
    if (line->n_peers == UDP_LINE_PEERS_MAX)
        return -1;
    LinePeer *peer = &line->peers[line->n_peers];
    *peer = (LinePeer){.address = *address, .fd = open_socket(&ignored)};
    return peer->fd < 0 ? -1 : (int)line->n_peers++;
}

static void read_all(UdpLine *line, int64_t now_us)
{
    uint8_t data[DATAGRAM_MAX];
    struct sockaddr_in from;
    socklen_t from_size = sizeof from;
    ssize_t got;
    while ((got = recvfrom(line->front_fd, data, sizeof data, 0, (struct sockaddr *)&from,
                           &from_size)) >= 0) {
        int peer = find_peer(line, &from);
        if (peer >= 0)
            take(line, (unsigned)peer, true, data, (size_t)got, now_us);
        from_size = sizeof from;
    }
    for (unsigned i = 0; i < line->n_peers; i++)
        while ((got = recv(line->peers[i].fd, data, sizeof data, 0)) >= 0)
            take(line, i, false, data, (size_t)got, now_us);
}

int64_t udp_line_step(UdpLine *line, int64_t now_us)
{
    read_all(line, now_us);
    while (line->n > 0 && line->heap[0]->due_us <= now_us) {
        Packet *packet = pop(line);
        LinePeer *peer = &line->peers[packet->peer];
        const struct sockaddr_in *to = packet->is_up ? &line->server : &peer->address;
        /* A full buffer loses it, as a line would. */
        (void)!sendto(packet->is_up ? peer->fd : line->front_fd, packet->data, packet->size, 0,
                      (const struct sockaddr *)to, sizeof *to);
        packet_free(packet);
    }
    return line->n > 0 ? line->heap[0]->due_us : -1;
}
