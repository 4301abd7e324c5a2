/* What manabi-record reads on standard input: bytes, lines, commands. */
#include "pipelines/common/leaks.h"
#include "pipelines/common/lines.h"
#include "pipelines/record/command.h"

#include <stdint.h>

MNB_LEAKS_NOT_LOOKED_FOR;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(MnbLineReader) reader = mnb_line_reader_new();
    gst_init(NULL, NULL);
    for (size_t at = 0; at < size;) {
        size_t piece = MIN(size - at, (size_t)(data[at] % 64 + 1));
        mnb_line_reader_feed(reader, data + at, piece);
        at += piece;
        for (;;) {
            json_t *object = NULL;
            const char *reason = NULL;
            int got = mnb_line_reader_take(reader, &object, &reason);
            if (got == 0)
                break;
            MnbCommand command = {0};
            if (got > 0) {
                g_assert_true(mnb_command_parse(object, &command, &reason) || reason != NULL);
                mnb_command_clear(&command);
                json_decref(object);
            }
        }
    }
    return 0;
}
