/* Who did what, for administrators. */
#include "recordings/audit.h"
#include "recordings/recording.h"
#include "recordings/staff.h"
#include "server/http/api.h"
#include "server/http/objects.h"
#include <string.h>

#define ROWS_SENT 100

char *mnb_api_actor_name(MnbDb *db, const char *actor)
{
    if (!g_str_has_prefix(actor, "staff:"))
        return g_strdup(g_str_has_prefix(actor, "link:") ? "link" : actor);
    g_autoptr(MnbStaff) staff = mnb_staff_find(db, actor + strlen("staff:"), NULL);
    return g_strdup(staff != NULL ? staff->name : actor);
}

static void add_title(MnbDb *db, json_t *json, const char *object)
{
    if (!g_str_has_prefix(object, "recording:"))
        return;
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, object + strlen("recording:"), NULL);
    if (recording == NULL)
        return;
    json_object_set_new(json, "title_en", json_string(recording->title_en));
    json_object_set_new(json, "title_ja", json_string(recording->title_ja));
}

void mnb_api_audit(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    guint64 before = 0;
    MnbDb *db = mnb_http_request_db(request);
    const char *text = mnb_http_request_query(request, "before");
    if (text != NULL && !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &before, NULL)) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(400, "bad-query", "before is not a number"));
        return;
    }
    g_autoptr(GPtrArray) rows = mnb_audit_list(db, (gint64)before, ROWS_SENT, &error);
    if (rows == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *items = json_array();
    for (guint i = 0; i < rows->len; i++) {
        const MnbAuditRow *row = rows->pdata[i];
        g_autofree char *name = mnb_api_actor_name(db, row->actor);
        json_t *json = json_pack("{s:I, s:o, s:s, s:s, s:s, s:s}", "seq", (json_int_t)row->seq,
                                 "at", mnb_json_time(row->at_us), "actor", row->actor, "actor_name",
                                 name, "action", row->action, "object", row->object);
        json_t *detail = json_loads(row->detail, 0, NULL);
        json_object_set_new(json, "detail", detail != NULL ? detail : json_object());
        add_title(db, json, row->object);
        json_array_append_new(items, json);
    }
    gboolean is_more = rows->len == ROWS_SENT;
    mnb_http_request_answer_json(request, 200,
                                 json_pack("{s:o, s:b}", "items", items, "more", is_more));
}
