/* net.c - the sockets: IP_PKTINFO tells which client a datagram is for, and chooses the source
 * address of what a client sends. */
#include "tests/bench/load/load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH          64
#define RECEIVE_ROUNDS 64
#define FIRST_ADDRESS  0x7f100001u /* 127.16.0.1 */
#define RECEIVE_BUFFER (128 << 20)
#define SEND_BUFFER    (8 << 20)
#define CONTROL_BYTES  256

struct LoadSocket {
    int fd;
    uint16_t port;
    unsigned n; /* waiting to be sent */
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_in to[BATCH];
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control[BATCH];
    uint8_t data[BATCH][LOAD_PACKET_MAX];
};

/* Receiving is done by one thread, socket after socket: one set of buffers. */
static struct mmsghdr received[BATCH];
static struct iovec received_parts[BATCH];
static struct sockaddr_in received_from[BATCH];
static union {
    struct cmsghdr align;
    uint8_t bytes[CONTROL_BYTES];
} received_control[BATCH];
static uint8_t received_data[BATCH][65536];

static void prepare_messages(LoadSocket *self)
{
    for (unsigned i = 0; i < BATCH; i++) {
        struct msghdr *header = &self->messages[i].msg_hdr;
        self->parts[i].iov_base = self->data[i];
        header->msg_name = &self->to[i];
        header->msg_namelen = sizeof self->to[i];
        header->msg_iov = &self->parts[i];
        header->msg_iovlen = 1;
        header->msg_control = self->control[i].bytes;
        header->msg_controllen = sizeof self->control[i].bytes;
        struct cmsghdr *control = CMSG_FIRSTHDR(header);
        control->cmsg_level = IPPROTO_IP;
        control->cmsg_type = IP_PKTINFO;
        control->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    }
}

static int open_socket(Load *load, unsigned index)
{
    int on = 1, receive_bytes = RECEIVE_BUFFER, send_bytes = SEND_BUFFER;
    LoadSocket *self = calloc(1, sizeof *self);
    if (self == NULL)
        return -ENOMEM;
    load->sockets[index] = self;
    self->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self->fd < 0)
        return -errno;
    /* Without the privilege the limit of the machine holds; drops are reported. */
    if (setsockopt(self->fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof receive_bytes) < 0)
        setsockopt(self->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    if (setsockopt(self->fd, SOL_SOCKET, SO_SNDBUFFORCE, &send_bytes, sizeof send_bytes) < 0)
        setsockopt(self->fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
    struct sockaddr_in any = {.sin_family = AF_INET};
    socklen_t len = sizeof any;
    if (setsockopt(self->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0 ||
        setsockopt(self->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 ||
        (load->options.has_gro && setsockopt(self->fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) < 0) ||
        bind(self->fd, (struct sockaddr *)&any, sizeof any) < 0 ||
        getsockname(self->fd, (struct sockaddr *)&any, &len) < 0)
        return -errno;
    self->port = ntohs(any.sin_port);
    prepare_messages(self);
    return 0;
}

int load_net_open(Load *load)
{
    for (unsigned i = 0; i < load->options.sockets; i++) {
        int error = open_socket(load, i);
        if (error < 0) {
            fprintf(stderr, "manabi-load: UDP socket: %s\n", strerror(-error));
            return error;
        }
    }
    return 0;
}

/* 250 clients for each /24, so that no address ends in 0 or 255. */
void load_net_assign(LoadClient *client)
{
    client->address.s_addr = htonl(FIRST_ADDRESS + client->index / 250 * 256 + client->index % 250);
    client->socket = client->load->sockets[client->index % client->load->options.sockets];
}

static LoadClient *client_of(Load *load, struct in_addr address)
{
    uint32_t offset = ntohl(address.s_addr) - FIRST_ADDRESS;
    uint32_t index = (offset >> 8) * 250 + (offset & 255);
    return (offset & 255) < 250 && index < load->n_clients ? &load->clients[index] : NULL;
}

uint16_t load_net_port(const LoadClient *client)
{
    return client->socket->port;
}

static void flush_socket(LoadSocket *self)
{
    unsigned sent = 0;
    while (sent < self->n) {
        int n = sendmmsg(self->fd, self->messages + sent, self->n - sent, 0);
        if (n < 0 && errno == EINTR)
            continue;
        sent += n > 0 ? (unsigned)n : 1; /* what the kernel refuses is lost, as on a network */
    }
    self->n = 0;
}

uint8_t *load_net_buffer(LoadClient *client)
{
    LoadSocket *self = client->socket;
    if (self->n == BATCH)
        flush_socket(self);
    return self->data[self->n];
}

void load_net_send(LoadClient *client, size_t len)
{
    LoadSocket *self = client->socket;
    struct in_pktinfo info = {.ipi_spec_dst = client->address};
    unsigned i = self->n++;
    self->parts[i].iov_len = len;
    self->to[i] = client->server;
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&self->messages[i].msg_hdr)), &info, sizeof info);
}

void load_net_flush(Load *load)
{
    for (unsigned i = 0; i < load->options.sockets; i++)
        if (load->sockets[i]->n > 0)
            flush_socket(load->sockets[i]);
}

typedef struct {
    struct in_addr to;
    uint64_t arrival_ns;
    size_t segment; /* 0: one datagram */
} Ancillary;

static Ancillary read_ancillary(struct msghdr *header)
{
    Ancillary out = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            out.to = info.ipi_addr;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec time;
            memcpy(&time, CMSG_DATA(c), sizeof time);
            out.arrival_ns = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int segment;
            memcpy(&segment, CMSG_DATA(c), sizeof segment);
            out.segment = (size_t)segment;
        }
    }
    return out;
}

static void hand_out(Load *load, unsigned i)
{
    Ancillary ancillary = read_ancillary(&received[i].msg_hdr);
    LoadClient *client = client_of(load, ancillary.to);
    size_t len = received[i].msg_len;
    size_t segment = ancillary.segment > 0 ? ancillary.segment : len;
    if (client == NULL)
        return;
    for (size_t at = 0; at < len; at += segment)
        load_client_datagram(client, received_data[i] + at, len - at < segment ? len - at : segment,
                             &received_from[i], ancillary.arrival_ns);
}

static int receive_batch(LoadSocket *self)
{
    for (unsigned i = 0; i < BATCH; i++) {
        struct msghdr *header = &received[i].msg_hdr;
        received_parts[i] = (struct iovec){received_data[i], sizeof received_data[i]};
        *header = (struct msghdr){
            .msg_name = &received_from[i],
            .msg_namelen = sizeof received_from[i],
            .msg_iov = &received_parts[i],
            .msg_iovlen = 1,
            .msg_control = received_control[i].bytes,
            .msg_controllen = sizeof received_control[i].bytes,
        };
    }
    return recvmmsg(self->fd, received, BATCH, MSG_DONTWAIT, NULL);
}

void load_net_receive(Load *load)
{
    for (unsigned s = 0; s < load->options.sockets; s++)
        for (int round = 0; round < RECEIVE_ROUNDS; round++) {
            int n = receive_batch(load->sockets[s]);
            for (int i = 0; i < n; i++)
                hand_out(load, (unsigned)i);
            if (n < BATCH)
                break;
        }
}

uint64_t load_net_drops(const Load *load)
{
    uint64_t drops = 0;
    for (unsigned i = 0; i < load->options.sockets; i++) {
        uint32_t info[SK_MEMINFO_VARS] = {0};
        socklen_t len = sizeof info;
        if (getsockopt(load->sockets[i]->fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0)
            drops += info[SK_MEMINFO_DROPS];
    }
    return drops;
}

void load_net_close(Load *load)
{
    for (unsigned i = 0; i < LOAD_SOCKETS_MAX; i++)
        if (load->sockets[i] != NULL) {
            close(load->sockets[i]->fd);
            free(load->sockets[i]);
        }
}
