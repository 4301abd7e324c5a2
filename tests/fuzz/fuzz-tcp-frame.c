/* Frames of RFC 4571 and the PROXY line. */
#include "server/media/tcp-frame.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sockaddr_in6 peer;
    const uint8_t *frame;
    size_t frame_size;
    int line = mnb_tcp_proxy_line(data, size, &peer);
    if (line > 0 && ((size_t)line > size || line > MNB_PROXY_LINE_MAX || peer.sin6_port == 0))
        abort();
    size_t at = line > 0 ? (size_t)line : 0;
    while (mnb_tcp_frame_take(data + at, size - at, &frame, &frame_size) == 1) {
        if (frame < data || frame + frame_size > data + size || frame_size > MNB_TCP_FRAME_MAX)
            abort();
        at += MNB_TCP_FRAME_HEAD + frame_size;
    }
    return 0;
}
