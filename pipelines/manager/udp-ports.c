#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pipelines/manager/media-worker-private.h"
#include "server/base/error.h"

#define BUFFER_BYTES (4 << 20) /* the kernel gives less without privilege, which is fine */
#define TRIES        16        /* for a port that is free on both families, UDP and TCP */
#define BACKLOG      1024

static int open_socket(int family)
{
    const int on = 1;
    const int bytes = BUFFER_BYTES;
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    return fd;
}

static int bind_ipv4(int fd, guint16 *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t size = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, size) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return -errno;
    *port = ntohs(address.sin_port);
    return 0;
}

static int bind_ipv6(int fd, guint16 port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    return bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
}

/* Returns 0 or a negative errno. */
static int bind_udp(guint16 *port, MnbMediaPorts *out)
{
    int fd = open_socket(AF_INET);
    if (fd < 0)
        return fd;
    out->udp[out->n_udp++] = fd;
    int error = bind_ipv4(fd, port);
    if (error < 0)
        return error;
    fd = open_socket(AF_INET6);
    if (fd < 0) /* a kernel without IPv6 */
        return 0;
    error = bind_ipv6(fd, *port);
    if (error < 0) {
        close(fd);
        return error == -EADDRNOTAVAIL || error == -EAFNOSUPPORT ? 0 : error; /* switched off */
    }
    out->udp[out->n_udp++] = fd;
    return 0;
}

static int listen_at(int family, guint16 port)
{
    const int on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int error = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0))
        error = -errno;
    if (error == 0)
        error = family == AF_INET ? bind_ipv4(fd, &port) : bind_ipv6(fd, port);
    if (error == 0 && listen(fd, BACKLOG) < 0)
        error = -errno;
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

static int bind_tcp(guint16 port, MnbMediaPorts *out)
{
    int fd = listen_at(AF_INET, port);
    if (fd < 0)
        return fd;
    out->tcp[out->n_tcp++] = fd;
    if (out->n_udp < 2)
        return 0;
    fd = listen_at(AF_INET6, port);
    if (fd < 0)
        return fd;
    out->tcp[out->n_tcp++] = fd;
    return 0;
}

void mnb_media_ports_close(MnbMediaPorts *ports)
{
    for (guint i = 0; i < ports->n_udp; i++)
        close(ports->udp[i]);
    for (guint i = 0; i < ports->n_tcp; i++)
        close(ports->tcp[i]);
    ports->n_udp = ports->n_tcp = 0;
}

gboolean mnb_media_ports_bind(guint16 port, gboolean has_tcp, MnbMediaPorts *out, guint16 *port_out,
                              GError **error)
{
    const char *family = "UDP";
    int failed = -EADDRINUSE;
    for (int i = 0; i < TRIES && failed == -EADDRINUSE; i++) {
        *out = (MnbMediaPorts){.door = -1};
        *port_out = port;
        family = "UDP";
        failed = bind_udp(port_out, out);
        if (failed == 0 && has_tcp) {
            family = "TCP";
            failed = bind_tcp(*port_out, out);
        }
        if (failed < 0)
            mnb_media_ports_close(out);
        if (port != 0)
            break;
    }
    if (failed == 0)
        return TRUE;
    if (failed == -EADDRINUSE)
        g_set_error(error, MNB_ERROR, MNB_ERROR_BUSY,
                    "%s port %u of [media] port is in use by another program%s", family, port,
                    has_tcp && family[0] == 'T' ? " (or switch [media] tcp off)" : "");
    else
        mnb_error_from_errno(error, failed, "%s port %u of [media] port", family, port);
    return FALSE;
}

guint mnb_tcp_ports_addresses(MnbMediaAddress addresses[MNB_MEDIA_ADDRESSES_MAX], guint n,
                              gboolean has_tcp, guint16 door_port, const char *door_address)
{
    guint n_udp = n;
    for (guint i = 0; has_tcp && i < n_udp && n < MNB_MEDIA_ADDRESSES_MAX; i++, n++) {
        addresses[n] = addresses[i];
        addresses[n].is_tcp = TRUE;
    }
    for (guint i = 0; door_port != 0 && i < n_udp && n < MNB_MEDIA_ADDRESSES_MAX; i++) {
        gboolean is_twice = FALSE; /* announced with several ports */
        for (guint k = 0; k < i; k++)
            is_twice |= strcmp(addresses[k].address, addresses[i].address) == 0;
        if (is_twice || (door_address != NULL && strcmp(door_address, addresses[i].address) != 0))
            continue;
        addresses[n] = addresses[i];
        addresses[n].port = door_port;
        addresses[n++].is_tcp = TRUE;
    }
    return n;
}

/* "192.0.2.1", "192.0.2.1:3478", "2001:db8::1", "[2001:db8::1]:3478". */
static gboolean parse_announced(const char *text, MnbMediaAddress *out, GError **error)
{
    g_autofree char *host = g_strdup(text);
    const char *port_text = NULL;
    char *colon = strrchr(host, ':');
    guint64 port = 0;
    guint8 bytes[16];
    if (host[0] == '[') {
        char *end = strchr(host, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            goto invalid;
        port_text = end[1] == ':' ? end + 2 : NULL;
        *end = '\0';
        memmove(host, host + 1, strlen(host));
    } else if (colon != NULL && strchr(host, ':') == colon) {
        port_text = colon + 1;
        *colon = '\0';
    }
    if (port_text != NULL && !g_ascii_string_to_unsigned(port_text, 10, 1, 65535, &port, NULL))
        goto invalid;
    if (inet_pton(AF_INET, host, bytes) != 1 && inet_pton(AF_INET6, host, bytes) != 1)
        goto invalid;
    g_strlcpy(out->address, host, sizeof out->address);
    out->port = (guint16)port;
    return TRUE;
invalid:
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                "[media] announce: \"%s\" is no numeric address like 192.0.2.1, 192.0.2.1:3478 or "
                "[2001:db8::1]:3478",
                text);
    return FALSE;
}

/* An address to which nobody could send: browsers would try it in silence. */
static const char *why_useless(const char *text)
{
    g_autoptr(GInetAddress) ip = g_inet_address_new_from_string(text);
    if (g_inet_address_get_is_any(ip))
        return "it stands for every address and is none; name the one that people see";
    if (g_inet_address_get_is_multicast(ip) || strcmp(text, "255.255.255.255") == 0)
        return "it is no address of one machine";
    if (g_inet_address_get_is_link_local(ip))
        return "it is good on one cable only";
    return NULL;
}

static int take_announced(const char *const *announce, guint index, guint16 port,
                          MnbMediaAddress out[MNB_MEDIA_ADDRESSES_MAX], GError **error)
{
    int n = 0;
    for (; n < MNB_MEDIA_UDP_ADDRESSES_MAX && announce[n] != NULL; n++) {
        if (!parse_announced(announce[n], &out[n], error))
            return -1;
        const char *fault = why_useless(out[n].address);
        if (fault != NULL) {
            g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "[media] announce: %s: %s",
                        announce[n], fault);
            return -1;
        }
        guint told = out[n].port == 0 ? port : out[n].port + index;
        if (told > 65535) {
            g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                        "[media] announce: the ports of the workers would end above 65535");
            return -1;
        }
        out[n].port = (guint16)told;
    }
    return n;
}

static gboolean is_useful(const struct ifaddrs *each, gboolean has_ipv6)
{
    if (each->ifa_addr == NULL || !(each->ifa_flags & IFF_UP) || (each->ifa_flags & IFF_LOOPBACK))
        return FALSE;
    if (each->ifa_addr->sa_family == AF_INET)
        return TRUE;
    if (each->ifa_addr->sa_family != AF_INET6 || !has_ipv6)
        return FALSE;
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)each->ifa_addr;
    return !IN6_IS_ADDR_LINKLOCAL(&ipv6->sin6_addr) && !IN6_IS_ADDR_SITELOCAL(&ipv6->sin6_addr);
}

static int find_own(guint16 port, gboolean has_ipv6, MnbMediaAddress out[MNB_MEDIA_ADDRESSES_MAX])
{
    static const int families[] = {AF_INET, AF_INET6};
    struct ifaddrs *all = NULL;
    int n = 0;
    if (getifaddrs(&all) < 0)
        all = NULL;
    for (guint f = 0; f < G_N_ELEMENTS(families); f++) {
        for (struct ifaddrs *each = all; each != NULL; each = each->ifa_next) {
            if (!is_useful(each, has_ipv6) || each->ifa_addr->sa_family != families[f] ||
                n == MNB_MEDIA_UDP_ADDRESSES_MAX - 1)
                continue;
            socklen_t size =
                families[f] == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
            if (getnameinfo(each->ifa_addr, size, out[n].address, sizeof out[n].address, NULL, 0,
                            NI_NUMERICHOST) == 0)
                out[n++].port = port;
        }
    }
    if (all != NULL)
        freeifaddrs(all);
    g_strlcpy(out[n].address, "127.0.0.1", sizeof out[n].address);
    out[n++].port = port;
    return n;
}

int mnb_udp_ports_addresses(const char *const *announce, guint index, guint16 port,
                            gboolean has_ipv6, MnbMediaAddress out[MNB_MEDIA_ADDRESSES_MAX],
                            GError **error)
{
    memset(out, 0, sizeof *out * MNB_MEDIA_ADDRESSES_MAX);
    if (announce != NULL && announce[0] != NULL)
        return take_announced(announce, index, port, out, error);
    return find_own(port, has_ipv6, out);
}
