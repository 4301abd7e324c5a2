/* timeline.json and lists of cuts: they lie in the recording's folder, where anyone with access to
 * the disk may have changed them. */
#include <stdint.h>
#include <stdlib.h>

#include "recordings/capture-timeline.h"
#include "recordings/film-edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_timeline(const MnbCaptureTimeline *timeline)
{
    if (timeline->ids->len != timeline->names->len || timeline->duration_us < 0)
        abort();
    for (guint i = 0; i < timeline->spoke->len; i++) {
        const MnbCaptureSpan *span = &g_array_index(timeline->spoke, MnbCaptureSpan, i);
        if (span->peer >= timeline->names->len || span->end_us <= span->start_us)
            abort();
    }
    for (guint i = 0; i < timeline->parts->len && i < 100; i++) {
        const MnbCapturePart *part = &g_array_index(timeline->parts, MnbCapturePart, i);
        if (mnb_capture_timeline_at(timeline, part->started_us) < -1)
            abort();
    }
}

/* Both ways and back, for whatever is a list of cuts. */
static void check_edit(const char *text)
{
    MnbFilmEdit edit, again;
    mnb_film_edit_read(text, 1000, &edit);
    json_t *list = mnb_film_edit_to_json(&edit, 1000);
    if (!mnb_film_edit_parse(list, 1000, &again) || again.n != edit.n)
        abort();
    json_decref(list);
    for (guint i = 0; i < edit.n; i++) {
        gboolean is_cut_out;
        gint64 film_us = mnb_film_edit_to_film(&edit, edit.ranges[i].start_us, &is_cut_out);
        if (is_cut_out || mnb_film_edit_to_captured(&edit, film_us) != edit.ranges[i].start_us)
            abort();
    }
    if (mnb_film_edit_length_us(&edit, MNB_FILM_TIME_MAX_US) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbCaptureTimeline) timeline =
        mnb_capture_timeline_parse((const char *)data, size, &error);
    if ((timeline == NULL) == (error == NULL))
        abort();
    if (timeline != NULL)
        check_timeline(timeline);
    g_autofree char *text = g_strndup((const char *)data, size);
    check_edit(text);
    return 0;
}
