/* The first byte chooses the codec. A VP8 descriptor that was read is written and read again. */
#include "server/media/payload.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_vp8(const MnbVp8 *vp8)
{
    uint8_t out[MNB_VP8_DESCRIPTOR_MAX + 1];
    MnbPayload again;
    size_t n = mnb_vp8_write_descriptor(out, vp8, 0x1234, 7);
    if (n > MNB_VP8_DESCRIPTOR_MAX)
        abort();
    out[n] = 1; /* a frame header that is no key frame */
    if (mnb_payload_parse(&again, MNB_CODEC_VP8, out, n + 1) < 0 ||
        again.vp8.descriptor_bytes != n || again.vp8.tid != vp8->tid ||
        again.vp8.is_partition_start != vp8->is_partition_start ||
        again.vp8.partition != vp8->partition || again.vp8.has_picture_id != vp8->has_picture_id ||
        (vp8->has_picture_id && again.vp8.picture_id != 0x1234) ||
        again.vp8.key_index != vp8->key_index)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MnbPayload payload;
    if (size == 0)
        return 0;
    MnbCodec codec = (MnbCodec)(data[0] % MNB_CODEC_COUNT);
    if (mnb_payload_parse(&payload, codec, data + 1, size - 1) < 0)
        return 0;
    if (payload.is_key_frame && !payload.is_frame_start && codec != MNB_CODEC_AV1)
        abort();
    if (codec == MNB_CODEC_VP8) {
        if (payload.vp8.descriptor_bytes >= size - 1)
            abort();
        check_vp8(&payload.vp8);
    }
    return 0;
}
