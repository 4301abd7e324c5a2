/* Stream ids of SRT encoders. */
#include "pipelines/ingest/stream-key.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char key[MNB_STREAM_KEY_MAX + 1];
    g_autofree char *text = g_strndup((const char *)data, size);
    if (mnb_stream_key_parse(text, key) && (key[0] == '\0' || strlen(key) > MNB_STREAM_KEY_MAX))
        __builtin_trap();
    return 0;
}
