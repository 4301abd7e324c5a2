/* What is left of a session: its summary, and files. */
#include "server/rooms/report.h"
#include "recordings/event.h"
#include "recordings/session.h"
#include "server/http/api.h"
#include "server/http/media-path.h"
#include "server/http/objects.h"
#include <string.h>

/* Returns (owned): NULL after a problem was answered. */
static MnbReport *read_report(MnbHttpRequest *request, MnbSession **session_out,
                              MnbEvent **event_out)
{
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_http_request_db(request);
    MnbReport *report = NULL;
    *event_out = NULL;
    *session_out = mnb_session_find(db, mnb_http_request_param(request, 0), &error);
    if (*session_out != NULL)
        *event_out = mnb_event_find(db, (*session_out)->event, &error);
    if (*event_out != NULL)
        report = mnb_report_read(db, (*session_out)->id, (*event_out)->time_zone, &error);
    if (report == NULL)
        mnb_http_request_answer_error(request, error);
    return report;
}

static json_t *files_json(const MnbReport *report, const char *session)
{
    json_t *files = json_array();
    json_t *names = mnb_report_files(report);
    for (gsize i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        g_autofree char *path = g_strdup_printf("/api/v1/sessions/%s/files/%s", session, name);
        json_array_append_new(files, json_pack("{s:s, s:s}", "name", name, "path", path));
    }
    json_decref(names);
    return files;
}

void mnb_api_session_summary(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbSession) session = NULL;
    g_autoptr(MnbEvent) event = NULL;
    g_autoptr(MnbReport) report = read_report(request, &session, &event);
    if (report == NULL)
        return;
    json_t *live = mnb_json_session(mnb_http_request_db(request), session, &error);
    if (live == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *summary = mnb_report_json(report);
    json_object_set(summary, "recordings", json_object_get(live, "recordings"));
    json_object_del(live, "recordings");
    json_object_set_new(live, "title_en", json_string(event->title_en));
    json_object_set_new(live, "title_ja", json_string(event->title_ja));
    json_object_set_new(summary, "session", live);
    json_object_set_new(summary, "files", files_json(report, session->id));
    mnb_http_request_answer_json(request, 200, summary);
}

void mnb_api_session_file(MnbHttpRequest *request)
{
    g_autoptr(MnbSession) session = NULL;
    g_autoptr(MnbEvent) event = NULL;
    const char *name = mnb_http_request_rest(request);
    const char *type;
    g_autoptr(MnbReport) report = read_report(request, &session, &event);
    if (report == NULL)
        return;
    g_autofree char *text = mnb_report_file(report, name, &type);
    if (text == NULL) {
        mnb_http_request_answer_not_found(request);
        return;
    }
    const char *title = event->title_ja[0] != '\0' ? event->title_ja : event->title_en;
    g_autofree char *full = g_strconcat(title, " ", name, NULL);
    if (strrchr(full, '.') != NULL)
        *strrchr(full, '.') = '\0';
    g_autofree char *disposition = mnb_media_path_disposition(full, name);
    mnb_http_request_set_header(request, "Content-Disposition", disposition);
    mnb_http_request_answer_text(request, 200, type, text);
}
