#include "server/media/rx.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GRO_BYTES     65536
#define PLAIN_BYTES   2048
#define HUGE_PAGE     (2u << 20)
#define STAGGER_BYTES 320 /* buffers 64 KiB apart would all fall into the same cache sets */
#define CONTROL_BYTES (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)))

struct MnbRx {
    size_t buffer_size;
    size_t stride;
    size_t size; /* of all buffers */
    uint8_t *buffers;
    struct mmsghdr headers[MNB_RX_BATCH];
    struct iovec iovs[MNB_RX_BATCH];
    struct sockaddr_in6 names[MNB_RX_BATCH];
    _Alignas(8) uint8_t controls[MNB_RX_BATCH][CONTROL_BYTES];
};

MnbRx *mnb_rx_new(bool has_gro)
{
    MnbRx *rx = calloc(1, sizeof *rx);
    if (rx == NULL)
        return NULL;
    rx->buffer_size = has_gro ? GRO_BYTES : PLAIN_BYTES;
    rx->stride = rx->buffer_size + STAGGER_BYTES;
    /* In pages of 2 MiB: 64 buffers far from one another would need an address translation each. */
    rx->size = (rx->stride * MNB_RX_BATCH + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
    if (posix_memalign((void **)&rx->buffers, HUGE_PAGE, rx->size) != 0) {
        free(rx);
        return NULL;
    }
    madvise(rx->buffers, rx->size, MADV_HUGEPAGE); /* what the kernel has none of, it leaves */
    for (unsigned i = 0; i < MNB_RX_BATCH; i++) {
        rx->iovs[i] = (struct iovec){rx->buffers + i * rx->stride, rx->buffer_size};
        rx->headers[i].msg_hdr.msg_iov = &rx->iovs[i];
        rx->headers[i].msg_hdr.msg_iovlen = 1;
        rx->headers[i].msg_hdr.msg_name = &rx->names[i];
        rx->headers[i].msg_hdr.msg_control = rx->controls[i];
    }
    return rx;
}

void mnb_rx_free(MnbRx *rx)
{
    if (rx == NULL)
        return;
    free(rx->buffers);
    free(rx);
}

/* Reads the ancillary data. Returns: size of the pieces, 0 when there is one only. */
static size_t read_control(struct msghdr *msg, bool is_any, MnbArrival *arrival)
{
    size_t piece = 0;
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL; cmsg = CMSG_NXTHDR(msg, cmsg)) {
        if (cmsg->cmsg_level == SOL_UDP && cmsg->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(cmsg), sizeof size);
            piece = size > 0 ? (size_t)size : 0;
        } else if (is_any && cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(cmsg), sizeof info);
            memcpy(arrival->flow.local, &info.ipi_addr, sizeof info.ipi_addr);
            mnb_route_set_source_v4(&arrival->route, info.ipi_addr);
        } else if (is_any && cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(cmsg), sizeof info);
            memcpy(arrival->flow.local, &info.ipi6_addr, sizeof info.ipi6_addr);
            /* Only link-local addresses need the interface; else routing decides. */
            bool is_link_local = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr);
            mnb_route_set_source_v6(&arrival->route, &info.ipi6_addr,
                                    is_link_local ? info.ipi6_ifindex : 0);
        }
    }
    return piece;
}

static bool read_peer(const struct msghdr *msg, MnbArrival *arrival)
{
    const struct sockaddr *name = msg->msg_name;
    if (name->sa_family == AF_INET && msg->msg_namelen >= sizeof arrival->route.peer.v4) {
        memcpy(&arrival->route.peer.v4, name, sizeof arrival->route.peer.v4);
        arrival->route.peer_size = sizeof arrival->route.peer.v4;
        memcpy(arrival->flow.peer, &arrival->route.peer.v4.sin_addr, 4);
        arrival->flow.port = arrival->route.peer.v4.sin_port;
    } else if (name->sa_family == AF_INET6 && msg->msg_namelen >= sizeof arrival->route.peer.v6) {
        memcpy(&arrival->route.peer.v6, name, sizeof arrival->route.peer.v6);
        arrival->route.peer_size = sizeof arrival->route.peer.v6;
        memcpy(arrival->flow.peer, &arrival->route.peer.v6.sin6_addr, 16);
        arrival->flow.port = arrival->route.peer.v6.sin6_port;
    } else {
        return false;
    }
    return arrival->flow.port != 0;
}

int mnb_rx_read(MnbWorker *worker, unsigned index, MnbRxDatagram on_datagram)
{
    MnbRx *rx = worker->rx;
    for (unsigned i = 0; i < MNB_RX_BATCH; i++) {
        rx->headers[i].msg_hdr.msg_namelen = sizeof rx->names[i];
        rx->headers[i].msg_hdr.msg_controllen = CONTROL_BYTES;
    }
    int n = recvmmsg(worker->sockets[index].fd, rx->headers, MNB_RX_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) {
        struct msghdr *msg = &rx->headers[i].msg_hdr;
        MnbArrival arrival = {.now_us = worker->now_us};
        size_t piece = read_control(msg, worker->is_any[index], &arrival);
        size_t left = rx->headers[i].msg_len;
        if (!read_peer(msg, &arrival) || (msg->msg_flags & MSG_TRUNC) != 0) {
            worker->stats.dropped_malformed++;
            continue;
        }
        arrival.flow.socket = (uint16_t)index;
        arrival.route.socket = &worker->sockets[index];
        arrival.key = mnb_id_hash(worker->secret, &arrival.flow, sizeof arrival.flow);
        uint8_t *at = rx->iovs[i].iov_base;
        while (left > 0) {
            size_t size = piece == 0 || piece > left ? left : piece;
            on_datagram(worker, &arrival, at, size);
            at += size;
            left -= size;
        }
    }
    return n < 0 ? 0 : n;
}
