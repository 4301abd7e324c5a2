/* Files of captions: whatever was read can be written and read again as the same. */
#include "recordings/caption-file.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(MnbCaptionFile) file = mnb_caption_file_read(data, size, 60 * G_USEC_PER_SEC);
    g_assert_cmpuint(file->notes->len, <=, MNB_CAPTION_NOTES_MAX);
    if (file->problem != NULL)
        return 0;
    gint64 before_us = 0;
    for (guint i = 0; i < file->cues->len; i++) {
        const MnbMoment *cue = file->cues->pdata[i];
        g_assert_cmpint(cue->at_us, >=, before_us);
        g_assert_cmpint(cue->end_us, >, cue->at_us);
        g_assert_true(g_utf8_validate(cue->text, -1, NULL));
        g_assert_true(g_utf8_validate(cue->who, -1, NULL));
        before_us = cue->at_us;
    }
    g_autofree char *text = mnb_caption_file_write(file->cues, NULL);
    g_autoptr(MnbCaptionFile) again = mnb_caption_file_read(text, strlen(text), 0);
    g_assert_null(again->problem);
    g_assert_cmpuint(again->cues->len, ==, file->cues->len);
    return 0;
}
