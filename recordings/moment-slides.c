/* The part of moment.h that makes moments and chapters of pages that were shown. Pure. */
#include "recordings/moment.h"
#include "recordings/session-pages.h"

#include <stdlib.h>
#include <string.h>

#define NEAR_MS 30000 /* a chapter so near says it already */

/* What was shown already when the recording began is there from its beginning. Returns: -1 after
 * the end. */
static gint64 time_of(const MnbCaptureTimeline *timeline, gint64 wall_us)
{
    if (timeline->parts->len > 0 &&
        wall_us < g_array_index(timeline->parts, MnbCapturePart, 0).started_us)
        return 0;
    return mnb_capture_timeline_at(timeline, wall_us);
}

/* As people say it: without what computers need. Returns (owned). */
static char *title_of(const char *name)
{
    gsize length = strlen(name);
    if (length > 4 && g_ascii_strcasecmp(name + length - 4, ".pdf") == 0)
        length -= 4;
    return g_strndup(name, length);
}

static json_int_t at_ms(const json_t *chapter)
{
    return json_integer_value(json_object_get(chapter, "at_ms"));
}

static void add_chapter(json_t *chapters, gint64 at_us, const char *name)
{
    json_int_t ms = (json_int_t)(at_us / 1000);
    size_t place = 0;
    for (size_t i = 0; i < json_array_size(chapters); i++) {
        json_int_t other = at_ms(json_array_get(chapters, i));
        if (llabs(other - ms) < NEAR_MS)
            return;
        place = other < ms ? i + 1 : place;
    }
    if (*name != '\0' && json_array_size(chapters) < 200)
        json_array_insert_new(
            chapters, place,
            json_pack("{s:I, s:s, s:s}", "at_ms", ms, "title_en", name, "title_ja", name));
}

static MnbMoment *moment_of(const MnbPageTurn *turn, const char *name, gint64 at_us, gint64 end_us)
{
    MnbMoment *moment = g_new0(MnbMoment, 1);
    moment->kind = MNB_MOMENT_SLIDE;
    moment->language = g_strdup("");
    moment->who = g_strdup("");
    moment->at_us = at_us;
    moment->end_us = end_us;
    moment->text = g_strdup_printf("%s %u", name, turn->page);
    return moment;
}

static void free_moment(gpointer data)
{
    mnb_moment_free(data);
}

GPtrArray *mnb_moment_slides(const GPtrArray *turns, const MnbCaptureTimeline *timeline,
                             json_t *chapters)
{
    GPtrArray *slides = g_ptr_array_new_with_free_func(free_moment);
    const char *deck = "";
    for (guint i = 0; i < turns->len && slides->len < MNB_MOMENTS_MAX; i++) {
        const MnbPageTurn *turn = turns->pdata[i];
        const MnbPageTurn *next = i + 1 < turns->len ? turns->pdata[i + 1] : NULL;
        gint64 at_us = time_of(timeline, turn->at_us);
        gint64 end_us = next != NULL ? time_of(timeline, next->at_us) : -1;
        end_us = end_us < 0 ? timeline->duration_us : end_us;
        if (at_us >= 0 && end_us > at_us && *turn->deck != '\0') {
            g_autofree char *name = title_of(turn->name);
            g_ptr_array_add(slides, moment_of(turn, name, at_us, end_us));
            if (strcmp(deck, turn->deck) != 0)
                add_chapter(chapters, at_us, name);
        }
        deck = turn->deck;
    }
    return slides;
}
