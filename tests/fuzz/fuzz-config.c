#include <stdint.h>

#include "server/base/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbConfig) config = mnb_config_parse((const char *)data, size, "fuzz.ini", &error);
    if ((config == NULL) != (error != NULL))
        g_error("a result and an error at the same time, or neither");
    return 0;
}
