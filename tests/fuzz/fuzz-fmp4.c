/* Fragments of an MP4 file, and their composition offsets moved in place. */
#include "pipelines/transcode/fmp4.h"

#include <stdint.h>

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree guint8 *copy = g_memdup2(data, size);
    MnbFmp4 fmp4;
    if (mnb_fmp4_parse(copy, size, &fmp4) == 0) {
        for (guint i = 0; i < fmp4.fragments->len; i++) {
            const MnbFragment *fragment = &g_array_index(fmp4.fragments, MnbFragment, i);
            g_assert_cmpuint(fragment->offset + fragment->bytes, <=, size);
        }
    }
    mnb_fmp4_clear(&fmp4);
    return 0;
}
