#include "server/media/tcp-frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

int mnb_tcp_frame_take(const uint8_t *data, size_t len, const uint8_t **frame_out, size_t *size_out)
{
    if (len < MNB_TCP_FRAME_HEAD)
        return 0;
    size_t size = (size_t)data[0] << 8 | data[1];
    if (size > MNB_TCP_FRAME_MAX)
        return -EMSGSIZE;
    if (len - MNB_TCP_FRAME_HEAD < size)
        return 0;
    *frame_out = data + MNB_TCP_FRAME_HEAD;
    *size_out = size;
    return 1;
}

/* The next word of the line, into @out. Returns false when there is none that fits. */
static bool take_word(const char **at, const char *end, char *out, size_t room)
{
    const char *start = *at;
    const char *stop = memchr(start, ' ', (size_t)(end - start));
    if (stop == NULL)
        stop = end;
    size_t len = (size_t)(stop - start);
    if (len == 0 || len >= room || stop + 1 == end)
        return false;
    memcpy(out, start, len);
    out[len] = 0;
    *at = stop < end ? stop + 1 : end;
    return true;
}

static bool read_port(const char *text, in_port_t *out)
{
    unsigned value = 0;
    for (; *text != 0; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (unsigned)(*text - '0');
        if (value > 65535)
            return false;
    }
    *out = htons((uint16_t)value);
    return value != 0;
}

static bool read_peer(int family, const char *address, const char *port,
                      struct sockaddr_in6 *peer_out)
{
    memset(peer_out, 0, sizeof *peer_out);
    if (family == AF_INET6) {
        peer_out->sin6_family = AF_INET6;
        return inet_pton(AF_INET6, address, &peer_out->sin6_addr) == 1 &&
               read_port(port, &peer_out->sin6_port);
    }
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, address, &v4.sin_addr) != 1 || !read_port(port, &v4.sin_port))
        return false;
    memcpy(peer_out, &v4, sizeof v4);
    return true;
}

int mnb_tcp_proxy_line(const uint8_t *data, size_t len, struct sockaddr_in6 *peer_out)
{
    static const char start[] = "PROXY TCP";
    char address[INET6_ADDRSTRLEN], ours[INET6_ADDRSTRLEN], port[6], our_port[6], family[2];
    size_t known = len < sizeof start - 1 ? len : sizeof start - 1;
    if (memcmp(data, start, known) != 0)
        return -EBADMSG;
    size_t most = len < MNB_PROXY_LINE_MAX ? len : MNB_PROXY_LINE_MAX;
    const uint8_t *stop = memchr(data, '\n', most);
    if (stop == NULL)
        return len >= MNB_PROXY_LINE_MAX ? -EBADMSG : 0;
    size_t size = (size_t)(stop - data) + 1;
    if (size < sizeof start + 1 || stop[-1] != '\r')
        return -EBADMSG;
    const char *at = (const char *)data + sizeof start - 1;
    const char *end = (const char *)stop - 1;
    if (!take_word(&at, end, family, sizeof family) || (*family != '4' && *family != '6') ||
        !take_word(&at, end, address, sizeof address) || !take_word(&at, end, ours, sizeof ours) ||
        !take_word(&at, end, port, sizeof port) ||
        !take_word(&at, end, our_port, sizeof our_port) || at != end ||
        !read_peer(*family == '6' ? AF_INET6 : AF_INET, address, port, peer_out))
        return -EBADMSG;
    return (int)size;
}
