#include "server/uploads/draft.h"

#include <string.h>

static const char *text_of(const json_t *draft, const char *name)
{
    const char *text = json_string_value(json_object_get(draft, name));
    return text != NULL ? text : "";
}

gboolean mnb_draft_check(const json_t *draft,
                         void (*wrong)(const char *field, const char *code, gpointer data),
                         gpointer data)
{
    static const char *const needed[] = {"area", "city", "people"};
    gboolean is_good = TRUE;
    if (text_of(draft, "title_en")[0] == '\0' && text_of(draft, "title_ja")[0] == '\0') {
        wrong("title_en", "required", data);
        is_good = FALSE;
    }
    for (guint i = 0; i < G_N_ELEMENTS(needed); i++) {
        if (text_of(draft, needed[i])[0] != '\0')
            continue;
        wrong(needed[i], "required", data);
        is_good = FALSE;
    }
    /* Who did not agree to be shown is shown to nobody outside the office. */
    if (strcmp(text_of(draft, "people"), "unclear") == 0 &&
        strcmp(text_of(draft, "audience"), "staff") != 0) {
        wrong("people", "consent", data);
        is_good = FALSE;
    }
    return is_good;
}

/* Noon in Japan on that day: the day is right in both places where it is shown. */
static gint64 time_of_day(const char *day, gint64 fallback_us)
{
    g_autofree char *text = g_strconcat(day, "T03:00:00Z", NULL);
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, NULL);
    return time != NULL ? g_date_time_to_unix(time) * G_USEC_PER_SEC : fallback_us;
}

static char **languages_of(const json_t *draft)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    size_t i;
    json_t *value;
    json_array_foreach(json_object_get(draft, "languages"), i, value)
    {
        if (json_is_string(value))
            g_strv_builder_add(builder, json_string_value(value));
    }
    return g_strv_builder_end(builder);
}

void mnb_draft_read(const json_t *draft, const char *id, gint64 now_us,
                    MnbRecording **recording_out, MnbVisit **visit_out)
{
    MnbRecording *recording = *recording_out = mnb_recording_new();
    recording->id = g_strdup(id);
    recording->folder = g_strdup(id);
    recording->origin = MNB_ORIGIN_UPLOAD;
    recording->area = g_strdup(text_of(draft, "area"));
    recording->city = g_strdup(text_of(draft, "city"));
    recording->title_en = g_strdup(text_of(draft, "title_en"));
    recording->title_ja = g_strdup(text_of(draft, "title_ja"));
    recording->description_en = g_strdup(text_of(draft, "description_en"));
    recording->description_ja = g_strdup(text_of(draft, "description_ja"));
    recording->languages = languages_of(draft);
    recording->licence = g_strdup(text_of(draft, "licence"));
    recording->audience = MNB_AUDIENCE_STAFF;
    mnb_audience_parse(text_of(draft, "audience"), &recording->audience);
    recording->publish_when_ready = json_is_true(json_object_get(draft, "publish"));
    recording->recorded_us = time_of_day(text_of(draft, "visited_on"), now_us);
    MnbVisit *visit = *visit_out = g_new0(MnbVisit, 1);
    visit->place_en = g_strdup(text_of(draft, "place_en"));
    visit->place_ja = g_strdup(text_of(draft, "place_ja"));
    visit->visited_on = g_strdup(text_of(draft, "visited_on"));
    visit->people = g_strdup(text_of(draft, "people"));
    visit->series = g_strdup(text_of(draft, "series"));
}
