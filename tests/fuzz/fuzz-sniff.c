/* The kind of a film by its first bytes. */
#include "pipelines/common/sniff.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const MnbFilmKind *kind = mnb_sniff(data, size);
    g_assert_true(kind == NULL || kind->demuxer != NULL);
    return 0;
}
