/* Between a session and its film: the time line on which staff and facilitators cut, and making the
 * film anew. */
#include "pipelines/manager/jobs.h"
#include "recordings/audit.h"
#include "recordings/capture-timeline.h"
#include "recordings/film-edit.h"
#include "recordings/moment.h"
#include "recordings/publishing.h"
#include "recordings/recording.h"
#include "server/base/error.h"
#include "server/http/api.h"
#include "server/http/http-internal.h"
#include "server/http/objects.h"

#define SPANS_SENT_MAX   4000
#define MOMENTS_SENT_MAX 2000

static json_t *list_of_text(const char *text)
{
    json_t *list = text != NULL ? json_loads(text, 0, NULL) : NULL;
    if (json_is_array(list))
        return list;
    json_decref(list);
    return json_array();
}

static json_t *spans(const GArray *list)
{
    json_t *json = json_array();
    for (guint i = 0; i < list->len && i < SPANS_SENT_MAX; i++) {
        const MnbCaptureSpan *span = &g_array_index(list, MnbCaptureSpan, i);
        json_array_append_new(json, json_pack("{s:i, s:I, s:I}", "peer", (int)span->peer, "from_ms",
                                              (json_int_t)(span->start_us / 1000), "to_ms",
                                              (json_int_t)(span->end_us / 1000)));
    }
    return json;
}

static json_t *moments(GPtrArray *list)
{
    json_t *json = json_array();
    for (guint i = 0; i < list->len && i < MOMENTS_SENT_MAX; i++) {
        const MnbMoment *moment = list->pdata[i];
        json_array_append_new(json, json_pack("{s:I, s:s, s:s}", "at_ms",
                                              (json_int_t)(moment->at_us / 1000), "who",
                                              moment->who, "text", moment->text));
    }
    return json;
}

static void add_capture(json_t *json, const MnbCaptureTimeline *timeline)
{
    json_t *names = json_array();
    for (guint i = 0; i < timeline->names->len; i++)
        json_array_append_new(names, json_string(timeline->names->pdata[i]));
    json_object_set_new(json, "source_ms", json_integer(timeline->duration_us / 1000));
    json_object_set_new(json, "peers", names);
    json_object_set_new(json, "spoke", spans(timeline->spoke));
    json_object_set_new(json, "seen", spans(timeline->seen));
}

void mnb_api_recording_timeline(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_http_request_db(request);
    MnbStore *store = mnb_catalog_store(mnb_http_request_services(request)->catalog);
    g_autoptr(MnbRecording) recording =
        mnb_recording_find(db, mnb_http_request_param(request, 0), &error);
    g_autoptr(GPtrArray) chat =
        recording != NULL ? mnb_moment_list(db, recording->id, MNB_MOMENT_CHAT, NULL, &error)
                          : NULL;
    if (chat == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    if (!mnb_api_may_review(request, recording)) {
        mnb_http_request_answer_not_found(request);
        return;
    }
    gint64 source_us = recording->source_us > 0 ? recording->source_us : recording->duration_us;
    json_t *json = json_pack(
        "{s:I, s:o, s:o, s:o, s:[], s:[], s:[], s:o}", "source_ms", (json_int_t)(source_us / 1000),
        "keep_ms", list_of_text(recording->edit), "made_ms", list_of_text(recording->edit_made),
        "chapters", list_of_text(recording->chapters), "peers", "spoke", "seen", "chat",
        moments(chat));
    g_autoptr(MnbCaptureTimeline) timeline =
        mnb_capture_timeline_load(store, recording->folder, NULL);
    if (timeline != NULL)
        add_capture(json, timeline);
    mnb_http_request_answer_json(request, 200, json);
}

/* ---- making the film ---- */

typedef struct {
    char *recording;
    char *actor;
    gboolean is_cancel;
    gboolean is_publish; /* publish it when it is ready */
    int poster;          /* the number of the one that is chosen */
    gint64 now_us;
} Work;

static void free_work(gpointer data)
{
    Work *work = data;
    g_free(work->recording);
    g_free(work->actor);
    g_free(work);
}

static gboolean set_policy(MnbDb *db, const Work *work, GError **error)
{
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, work->recording, error);
    if (recording == NULL)
        return FALSE;
    if (work->is_publish && !mnb_publishing_check(db, work->recording, work->actor, error))
        return FALSE;
    recording->publish_when_ready = work->is_publish;
    return mnb_recording_update(db, recording, work->now_us, error);
}

static gboolean write_work(MnbDb *db, gpointer data, GError **error)
{
    const Work *work = data;
    g_autofree char *object = g_strconcat("recording:", work->recording, NULL);
    const char *action = work->is_cancel ? "recording-cancel" : "recording-render";
    gboolean ok = work->is_cancel
                      ? mnb_jobs_cancel_recording(db, work->recording, work->now_us, error)
                      : set_policy(db, work, error) &&
                            mnb_jobs_insert_render(db, work->recording, work->now_us, error);
    return ok && mnb_audit_append(db, work->now_us, work->actor, action, object, NULL, error);
}

static void on_written(MnbHttpRequest *request, gpointer data)
{
    const Work *work = data;
    const MnbHttp *http = mnb_http_request_http(request);
    if (http->on_jobs_changed != NULL)
        http->on_jobs_changed(http->data);
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_http_request_db(request);
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, work->recording, &error);
    json_t *json = recording != NULL ? mnb_json_recording(db, recording, &error) : NULL;
    if (json == NULL)
        mnb_http_request_answer_error(request, error);
    else
        mnb_http_request_answer_json(request, 200, json);
}

static Work *work_new(MnbHttpRequest *request)
{
    Work *work = g_new0(Work, 1);
    work->recording = g_strdup(mnb_http_request_param(request, 0));
    work->actor = g_strdup(mnb_http_request_asker(request)->actor);
    work->now_us = mnb_http_request_wall_us(request);
    return work;
}

void mnb_api_recording_render(MnbHttpRequest *request)
{
    gboolean is_publish = FALSE;
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    if (recording == NULL)
        return;
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return;
    mnb_fields_flag(fields, "publish", &is_publish);
    MnbProblem *problem = mnb_fields_finish(fields);
    if (problem != NULL) {
        mnb_http_request_answer_problem(request, problem);
        return;
    }
    Work *work = work_new(request);
    work->is_publish = is_publish;
    mnb_http_request_write(request, write_work, work, free_work, on_written);
}

void mnb_api_recording_cancel(MnbHttpRequest *request)
{
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    if (recording == NULL)
        return;
    Work *work = work_new(request);
    work->is_cancel = TRUE;
    mnb_http_request_write(request, write_work, work, free_work, on_written);
}

/* ---- the poster ---- */

static gboolean has_candidate(const GPtrArray *renditions, gint64 number)
{
    g_autofree char *name = g_strdup_printf(MNB_POSTER_NAME "-%d", (int)number);
    for (guint i = 0; renditions != NULL && i < renditions->len; i++) {
        const MnbRendition *rendition = renditions->pdata[i];
        if (rendition->kind == MNB_RENDITION_CANDIDATE && g_str_equal(rendition->name, name))
            return TRUE;
    }
    return FALSE;
}

static gboolean write_poster(MnbDb *db, gpointer data, GError **error)
{
    const Work *work = data;
    g_autofree char *object = g_strconcat("recording:", work->recording, NULL);
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, work->recording, error);
    return recording != NULL &&
           mnb_rendition_choose_poster(db, work->recording, work->poster, error) &&
           mnb_recording_update(db, recording, work->now_us, error) &&
           mnb_audit_append(db, work->now_us, work->actor, "recording-poster", object, NULL, error);
}

void mnb_api_recording_poster(MnbHttpRequest *request)
{
    gint64 number = 0;
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    if (recording == NULL)
        return;
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return;
    g_autoptr(GPtrArray) renditions =
        mnb_rendition_list(mnb_http_request_db(request), recording->id, NULL);
    mnb_fields_require(fields, "number");
    if (mnb_fields_number(fields, "number", 1, 9, &number) && !has_candidate(renditions, number))
        mnb_fields_wrong(fields, "number", "unknown");
    MnbProblem *problem = mnb_fields_finish(fields);
    if (problem != NULL) {
        mnb_http_request_answer_problem(request, problem);
        return;
    }
    Work *work = work_new(request);
    work->poster = (int)number;
    mnb_http_request_write(request, write_poster, work, free_work, on_written);
}
