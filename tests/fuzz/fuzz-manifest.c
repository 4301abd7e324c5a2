/* manifest.json, which lies where anyone with access to the disk may have changed it. */
#include <stdint.h>
#include <stdlib.h>

#include "recordings/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbManifest) manifest = mnb_manifest_parse((const char *)data, size, &error);
    if ((manifest == NULL) == (error == NULL))
        abort();
    if (manifest == NULL)
        return 0;
    const MnbRecording *recording = manifest->recording;
    if (recording->id == NULL || recording->area[0] == '\0' || recording->city[0] == '\0' ||
        mnb_audience_to_string(recording->audience) == NULL ||
        mnb_recording_state_to_string(recording->state) == NULL || recording->width < 0)
        abort();
    return 0;
}
