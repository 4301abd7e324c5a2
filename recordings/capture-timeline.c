#include "recordings/capture-timeline.h"

#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "recordings/film-edit.h"
#include "server/base/error.h"

#define PARTS_MAX      10000
#define PEERS_MAX      4000
#define NAME_MAX_BYTES 400

void mnb_capture_timeline_free(MnbCaptureTimeline *timeline)
{
    if (timeline == NULL)
        return;
    g_array_unref(timeline->parts);
    g_ptr_array_unref(timeline->ids);
    g_ptr_array_unref(timeline->names);
    g_array_unref(timeline->seen);
    g_array_unref(timeline->spoke);
    g_free(timeline);
}

static gint64 read_time(const json_t *object, const char *key, gint64 max)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 && value <= max ? value : 0;
}

static void read_parts(const json_t *list, GArray *parts)
{
    for (size_t i = 0; i < json_array_size(list) && i < PARTS_MAX; i++) {
        const json_t *item = json_array_get(list, i);
        MnbCapturePart part = {read_time(item, "started_unix_us", G_MAXINT64 / 4),
                               read_time(item, "at_us", MNB_FILM_TIME_MAX_US),
                               read_time(item, "duration_us", MNB_FILM_TIME_MAX_US)};
        g_array_append_val(parts, part);
    }
}

static void read_peers(const json_t *list, MnbCaptureTimeline *timeline)
{
    for (size_t i = 0; i < json_array_size(list) && i < PEERS_MAX; i++) {
        const char *id = json_string_value(json_object_get(json_array_get(list, i), "id"));
        const char *name = json_string_value(json_object_get(json_array_get(list, i), "name"));
        gboolean is_short = name != NULL && strlen(name) <= NAME_MAX_BYTES;
        g_ptr_array_add(timeline->ids, g_strdup(id != NULL ? id : ""));
        g_ptr_array_add(timeline->names, g_strdup(is_short ? name : ""));
    }
}

static void read_spans(const json_t *list, guint n_peers, GArray *spans)
{
    for (size_t i = 0; i < json_array_size(list) && i < MNB_CAPTURE_TIMELINE_SPANS; i++) {
        const json_t *item = json_array_get(list, i);
        json_int_t peer = json_integer_value(json_object_get(item, "peer"));
        MnbCaptureSpan span = {(guint)peer, read_time(item, "start_us", MNB_FILM_TIME_MAX_US),
                               read_time(item, "end_us", MNB_FILM_TIME_MAX_US)};
        if (peer >= 0 && peer < n_peers && span.end_us > span.start_us)
            g_array_append_val(spans, span);
    }
}

MnbCaptureTimeline *mnb_capture_timeline_parse(const char *text, gsize length, GError **error)
{
    json_t *json = length <= MNB_CAPTURE_TIMELINE_MAX
                       ? json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    if (!json_is_object(json) || json_integer_value(json_object_get(json, "version")) != 1) {
        json_decref(json);
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "timeline: not as it should be");
        return NULL;
    }
    MnbCaptureTimeline *timeline = g_new0(MnbCaptureTimeline, 1);
    timeline->parts = g_array_new(FALSE, FALSE, sizeof(MnbCapturePart));
    timeline->ids = g_ptr_array_new_with_free_func(g_free);
    timeline->names = g_ptr_array_new_with_free_func(g_free);
    timeline->seen = g_array_new(FALSE, FALSE, sizeof(MnbCaptureSpan));
    timeline->spoke = g_array_new(FALSE, FALSE, sizeof(MnbCaptureSpan));
    timeline->duration_us = read_time(json, "duration_us", MNB_FILM_TIME_MAX_US);
    read_parts(json_object_get(json, "parts"), timeline->parts);
    read_peers(json_object_get(json, "peers"), timeline);
    read_spans(json_object_get(json, "seen"), timeline->names->len, timeline->seen);
    read_spans(json_object_get(json, "spoke"), timeline->names->len, timeline->spoke);
    json_decref(json);
    return timeline;
}

MnbCaptureTimeline *mnb_capture_timeline_load_file(const char *path, GError **error)
{
    struct stat info;
    g_autofree char *text = NULL;
    gsize length = 0;
    if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_size > MNB_CAPTURE_TIMELINE_MAX ||
        !g_file_get_contents(path, &text, &length, NULL)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND, "there is no timeline yet");
        return NULL;
    }
    return mnb_capture_timeline_parse(text, length, error);
}

MnbCaptureTimeline *mnb_capture_timeline_load(MnbStore *store, const char *folder, GError **error)
{
    g_autofree char *path = mnb_store_recording_path(store, folder, "timeline.json", error);
    return path != NULL ? mnb_capture_timeline_load_file(path, error) : NULL;
}

gint64 mnb_capture_timeline_at(const MnbCaptureTimeline *timeline, gint64 wall_us)
{
    gint64 before_end_us = G_MAXINT64;
    for (guint i = 0; i < timeline->parts->len; i++) {
        const MnbCapturePart *part = &g_array_index(timeline->parts, MnbCapturePart, i);
        gint64 into_us = wall_us - part->started_us;
        if (into_us >= 0 && into_us < part->duration_us)
            return MAX(part->at_us + into_us, 0);
        if (into_us < 0 && wall_us >= before_end_us)
            return part->at_us;
        before_end_us = part->started_us + part->duration_us;
    }
    return -1;
}
