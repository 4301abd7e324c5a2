#include "server/http/objects.h"
#include "recordings/film-edit.h"
#include "recordings/visit.h"
#include "server/base/clock.h"
#include "server/base/error.h"
#include "server/http/event-plan.h"
#include <string.h>

#define POSTERS_MAX 9

json_t *mnb_json_time(gint64 wall_us)
{
    g_autofree char *text = wall_us != 0 ? mnb_time_to_rfc3339(wall_us) : NULL;
    return mnb_json_text(text);
}

json_t *mnb_json_text(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *texts(char **list)
{
    json_t *array = json_array();
    for (guint i = 0; list != NULL && list[i] != NULL; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

json_t *mnb_json_event(MnbHttpRequest *request, const MnbEvent *event)
{
    const MnbAsker *asker = mnb_http_request_asker(request);
    gboolean is_known = mnb_http_request_may(request, MNB_MAY_SEE_STAFF, NULL, NULL) ||
                        (asker->link != NULL && strcmp(asker->link->event, event->id) == 0);
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:s, s:o, s:b, s:s, s:s, s:s}", "id",
        event->id, "kind", mnb_event_kind_to_string(event->kind), "title_en",
        or_empty(event->title_en), "title_ja", or_empty(event->title_ja), "summary_en",
        or_empty(event->summary_en), "summary_ja", or_empty(event->summary_ja), "area", event->area,
        "city", event->city, "starts_at", mnb_json_time(event->starts_us), "duration_s",
        event->duration_s, "time_zone", event->time_zone, "languages", texts(event->languages),
        "is_public", event->is_public, "recording_policy",
        mnb_recording_policy_to_string(event->recording_policy), "audience",
        mnb_audience_to_string(event->audience), "state",
        mnb_session_state_to_string(event->session_state));
    mnb_event_plan_to_json(json, event);
    if (is_known && event->session != NULL)
        json_object_set_new(json, "session", json_string(event->session));
    gboolean may_edit = mnb_http_request_may(request, MNB_MAY_EDIT_EVENT, event->id, NULL);
    gboolean may_host = mnb_http_request_may(request, MNB_MAY_HOST, event->id, NULL);
    json_object_set_new(json, "may", json_pack("{s:b, s:b}", "edit", may_edit, "host", may_host));
    return json;
}

json_t *mnb_json_link(const MnbLink *link)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:i}", "id", link->id, "role",
                     mnb_role_to_string(link->role), "label", or_empty(link->label), "created_at",
                     mnb_json_time(link->created_us), "expires_at", mnb_json_time(link->expires_us),
                     "revoked_at", mnb_json_time(link->revoked_us), "uses", link->uses);
}

/* "media/720p/index.m3u8" in the recording's folder is /media/{id}/720p/index.m3u8 for clients. */
char *mnb_json_media_url(const MnbRecording *recording, const char *path)
{
    const char *below = g_str_has_prefix(path, "media/") ? path + strlen("media/") : path;
    return g_strconcat("/media/", recording->id, "/", below, NULL);
}

static void add_rendition(json_t *json, const MnbRecording *recording,
                          const MnbRendition *rendition)
{
    g_autofree char *url = mnb_json_media_url(recording, rendition->path);
    switch (rendition->kind) {
    case MNB_RENDITION_POSTER:
        json_object_set_new(json, "poster", json_string(url));
        break;
    case MNB_RENDITION_THUMBNAILS:
        json_object_set_new(json, "thumbnails", json_string(url));
        break;
    case MNB_RENDITION_WAVEFORM:
        json_object_set_new(json, "waveform", json_string(url));
        break;
    case MNB_RENDITION_CANDIDATE: /* add_posters() */
        break;
    case MNB_RENDITION_DOWNLOAD: {
        gboolean is_audio = g_str_has_suffix(rendition->path, ".m4a");
        json_array_append_new(json_object_get(json, "downloads"),
                              json_pack("{s:s, s:s, s:I, s:s}", "name", rendition->name, "url", url,
                                        "bytes", (json_int_t)rendition->bytes, "kind",
                                        is_audio ? "audio" : "video"));
        break;
    }
    case MNB_RENDITION_HLS:
        if (g_str_has_suffix(rendition->path, "master.m3u8")) {
            json_object_set_new(json, "playlist", json_string(url));
            break;
        }
        json_array_append_new(json_object_get(json, "renditions"),
                              json_pack("{s:s, s:i, s:i, s:i}", "name", rendition->name, "width",
                                        rendition->width, "height", rendition->height,
                                        "bitrate_bps", rendition->bitrate_bps));
        break;
    }
}

/* Before one was chosen the poster is the first candidate under another name. */
static json_t *posters(const MnbRecording *recording, GPtrArray *renditions)
{
    json_t *list = json_array(), *chosen = NULL;
    const char *poster = NULL;
    for (guint i = 0; i < renditions->len; i++) {
        const MnbRendition *rendition = g_ptr_array_index(renditions, i);
        if (rendition->kind == MNB_RENDITION_POSTER)
            poster = rendition->path;
    }
    for (int number = 1; number <= POSTERS_MAX; number++) {
        g_autofree char *name = g_strdup_printf(MNB_POSTER_NAME "-%d", number);
        for (guint i = 0; i < renditions->len; i++) {
            const MnbRendition *rendition = g_ptr_array_index(renditions, i);
            if (rendition->kind != MNB_RENDITION_CANDIDATE || strcmp(rendition->name, name) != 0)
                continue;
            g_autofree char *url = mnb_json_media_url(recording, rendition->path);
            json_t *one =
                json_pack("{s:i, s:s, s:b}", "number", number, "url", url, "is_chosen", 0);
            if (chosen == NULL || g_strcmp0(poster, rendition->path) == 0)
                chosen = one;
            json_array_append_new(list, one);
        }
    }
    json_object_set_new(chosen, "is_chosen", json_true()); /* of NULL: nothing */
    return list;
}

json_t *mnb_json_chapters(const MnbRecording *recording)
{
    json_t *list = json_array();
    json_t *all = json_loads(or_empty(recording->chapters), 0, NULL);
    MnbFilmEdit edit;
    mnb_film_edit_read(recording->edit_made, 1000, &edit);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *chapter = json_array_get(all, i);
        gboolean is_cut_out;
        gint64 at_us = json_integer_value(json_object_get(chapter, "at_ms")) * 1000;
        at_us = mnb_film_edit_to_film(&edit, at_us, &is_cut_out);
        if (is_cut_out)
            continue;
        const char *en = json_string_value(json_object_get(chapter, "title_en"));
        const char *ja = json_string_value(json_object_get(chapter, "title_ja"));
        json_array_append_new(list,
                              json_pack("{s:I, s:s, s:s}", "at_ms", (json_int_t)(at_us / 1000),
                                        "title_en", or_empty(en), "title_ja", or_empty(ja)));
    }
    json_decref(all);
    return list;
}

static gboolean add_progress(json_t *json, MnbDb *db, const MnbRecording *recording, GError **error)
{
    MnbProgress progress = {0};
    if (!mnb_recording_progress(db, recording->id, &progress, error))
        return FALSE;
    if (recording->state == MNB_RECORDING_PROCESSING || progress.n_open > 0) {
        json_object_set_new(json, "progress_permille", json_integer(progress.permille));
        json_object_set_new(json, "eta_s",
                            progress.eta_s >= 0 ? json_integer(progress.eta_s) : json_null());
        json_object_set_new(json, "is_at_work", json_boolean(progress.n_open > 0));
    }
    if (progress.reason_code != NULL)
        json_object_set_new(json, "reason",
                            json_pack("{s:s, s:s}", "code", progress.reason_code, "detail",
                                      or_empty(progress.reason)));
    mnb_progress_clear(&progress);
    return TRUE;
}

/* null: not a site visit. Who is shown is told to staff only, elsewhere. */
static gboolean add_visit(json_t *json, MnbDb *db, const MnbRecording *recording, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(MnbVisit) visit = mnb_visit_find(db, recording->id, &local);
    if (visit != NULL) {
        json_object_set_new(json, "visit",
                            json_pack("{s:s, s:s, s:s, s:s}", "place_en", visit->place_en,
                                      "place_ja", visit->place_ja, "visited_on", visit->visited_on,
                                      "series", visit->series));
        return TRUE;
    }
    json_object_set_new(json, "visit", json_null());
    if (g_error_matches(local, MNB_ERROR, MNB_ERROR_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

json_t *mnb_json_recording(MnbDb *db, const MnbRecording *recording, GError **error)
{
    g_autoptr(GPtrArray) renditions = mnb_rendition_list(db, recording->id, error);
    if (renditions == NULL)
        return NULL;
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:s, s:s, s:n, s:n, s:n, "
        "s:[], s:[], s:n, s:n, s:o}",
        "id", recording->id, "title_en", or_empty(recording->title_en), "title_ja",
        or_empty(recording->title_ja), "description_en", or_empty(recording->description_en),
        "description_ja", or_empty(recording->description_ja), "area", recording->area, "city",
        recording->city, "languages", texts(recording->languages), "event",
        mnb_json_text(recording->event), "recorded_at", mnb_json_time(recording->recorded_us),
        "published_at", mnb_json_time(recording->published_us), "duration_s",
        (json_int_t)((recording->duration_us + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC), "state",
        mnb_recording_state_to_string(recording->state), "audience",
        mnb_audience_to_string(recording->audience), "reason", "poster", "playlist", "downloads",
        "renditions", "thumbnails", "waveform", "posters", posters(recording, renditions));
    json_object_set_new(json, "more_areas", texts(recording->more_areas));
    json_object_set_new(json, "licence", json_string(or_empty(recording->licence)));
    json_object_set_new(json, "chapters", mnb_json_chapters(recording));
    for (guint i = 0; i < renditions->len; i++)
        add_rendition(json, recording, g_ptr_array_index(renditions, i));
    if (add_visit(json, db, recording, error) && add_progress(json, db, recording, error))
        return json;
    json_decref(json);
    return NULL;
}

json_t *mnb_json_job(const MnbJob *job)
{
    json_t *reason = json_null();
    if (job->reason_code != NULL)
        reason = json_pack("{s:s, s:s}", "code", job->reason_code, "detail", or_empty(job->reason));
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:i, s:o, s:o, s:o}", "id", job->id, "kind",
                     mnb_job_kind_to_string(job->kind), "recording", job->recording, "state",
                     mnb_job_state_to_string(job->state), "progress_permille",
                     job->progress_permille, "eta_s",
                     job->eta_s >= 0 ? json_integer(job->eta_s) : json_null(), "attempts",
                     job->attempts, "reason", reason, "created_at", mnb_json_time(job->created_us),
                     "updated_at", mnb_json_time(job->updated_us));
}

json_t *mnb_json_user(const MnbStaff *staff)
{
    if (staff == NULL)
        return json_pack("{s:n}", "user");
    return json_pack("{s:{s:s, s:s, s:b, s:b}}", "user", "id", staff->id, "name", staff->name,
                     "is_admin", staff->is_admin, "has_password", staff->password_hash != NULL);
}

json_t *mnb_json_list(json_t *items, guint total, guint page, guint per_page)
{
    return json_pack("{s:o, s:i, s:i, s:i}", "items", items, "total", (int)total, "page", (int)page,
                     "per_page", (int)per_page);
}
