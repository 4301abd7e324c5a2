/* Reads every extension, renames them, undoes RTX; what was renamed must still parse. */
#include "server/media/rtp.h"
#include "server/media/rtx.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_extensions(const MnbRtp *rtp, const uint8_t *packet, size_t size)
{
    size_t len;
    uint8_t level;
    bool is_voice;
    uint16_t u16;
    uint32_t u24;
    char text[16];
    for (unsigned id = 0; id < 256; id++) {
        const uint8_t *found = mnb_rtp_find_extension(rtp, packet, (uint8_t)id, &len);
        if (found != NULL && (found < packet + MNB_RTP_HEADER_BYTES || found + len > packet + size))
            abort();
        mnb_rtp_read_audio_level(rtp, packet, (uint8_t)id, &level, &is_voice);
        mnb_rtp_read_u16(rtp, packet, (uint8_t)id, &u16);
        mnb_rtp_read_u24(rtp, packet, (uint8_t)id, &u24);
        if (mnb_rtp_read_text(rtp, packet, (uint8_t)id, text, sizeof text) &&
            strlen(text) >= sizeof text)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t map[MNB_RTP_EXTENSION_ID_MAX + 1] = {0, 4, 0, 2, 1, 14};
    MnbRtp rtp, again;
    mnb_datagram_kind(data, size);
    if (mnb_rtp_parse_header(&rtp, data, size) < 0)
        return 0;
    read_extensions(&rtp, data, size);
    if (mnb_rtp_parse(&rtp, data, size) < 0)
        return 0;
    if ((size_t)rtp.header_bytes + rtp.payload_bytes + rtp.padding_bytes != size)
        abort();
    uint8_t *copy = malloc(size);
    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    mnb_rtp_map_extensions(&rtp, copy, map);
    if (mnb_rtp_parse(&again, copy, size) < 0 || again.header_bytes != rtp.header_bytes)
        abort();
    int len = mnb_rtx_undo(copy, size, &rtp, 1, 96);
    if (len > 0 && (len >= (int)size || mnb_rtp_parse(&again, copy, (size_t)len) < 0))
        abort();
    free(copy);
    return 0;
}
