/* What is whole in a track file that was cut off. */
#include "pipelines/record/matroska-scan.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MnbMatroskaScan scan;
    if (mnb_matroska_scan(data, size, &scan) == 0) {
        g_assert_cmpuint(scan.keep, <=, size);
        g_assert_cmpuint(scan.keep, >, scan.segment_at);
        g_assert_cmpuint(scan.cluster_at, <=, scan.keep);
        g_assert_cmpuint(scan.seek_head_at + scan.seek_head_bytes, <=, size);
        g_assert_cmpuint(scan.first_time, <=, scan.last_time);
        g_assert_cmpuint(scan.duration_at + scan.duration_bytes, <=, size);
    }
    mnb_matroska_scan_clear(&scan);
    return 0;
}
