#include <stdint.h>

#include "pipelines/manager/pipeline-event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbPipelineEvent) event = mnb_pipeline_event_parse((const char *)data, size, &error);
    if ((event == NULL) != (error != NULL))
        g_error("a result and an error at the same time, or neither");
    if (event != NULL && !g_utf8_validate(event->reason, -1, NULL))
        g_error("a reason that is no text");
    return 0;
}
