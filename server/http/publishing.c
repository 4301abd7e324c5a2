/* When a film is published, and by whom: handing in, an order for a time, two pairs of eyes. */
#include "recordings/publishing.h"
#include "recordings/audit.h"
#include "server/base/error.h"
#include "server/http/api.h"
#include "server/http/objects.h"
#include <string.h>

#define AHEAD_MAX_US (366 * 24 * 3600 * (gint64)G_USEC_PER_SEC)

static void answer(MnbHttpRequest *request, const char *recording)
{
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_http_request_db(request);
    g_autoptr(MnbPublishing) publishing = mnb_publishing_find(db, recording, &error);
    if (publishing == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    const char *actor = mnb_http_request_asker(request)->actor;
    json_t *submitted = json_null();
    if (publishing->submitted_by[0] != '\0') {
        g_autofree char *name = mnb_api_actor_name(db, publishing->submitted_by);
        submitted =
            json_pack("{s:s, s:o, s:b}", "by", name, "at", mnb_json_time(publishing->submitted_us),
                      "is_you", strcmp(publishing->submitted_by, actor) == 0);
    }
    mnb_http_request_answer_json(
        request, 200,
        json_pack("{s:o, s:s, s:o, s:b, s:b}", "publish_at", mnb_json_time(publishing->publish_us),
                  "time_zone", publishing->time_zone, "submitted", submitted, "needs_second_person",
                  mnb_publishing_needs_second_person(db), "may_publish",
                  mnb_publishing_check(db, recording, actor, NULL)));
}

void mnb_api_publishing(MnbHttpRequest *request)
{
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    if (recording != NULL)
        answer(request, recording->id);
}

typedef struct {
    char *recording;
    char *actor;
    gboolean is_submit, is_order;
    gint64 publish_us; /* of an order; 0: takes it back */
    char *time_zone;
    gint64 now_us;
} Change;

static void free_change(gpointer data)
{
    Change *change = data;
    g_free(change->recording);
    g_free(change->actor);
    g_free(change->time_zone);
    g_free(change);
}

static gboolean write_submit(MnbDb *db, const Change *change, const char *object, GError **error)
{
    return mnb_publishing_submit(db, change->recording, change->actor, change->now_us, error) &&
           mnb_audit_append(db, change->now_us, change->actor, "recording-submit", object, NULL,
                            error);
}

static gboolean write_order(MnbDb *db, const Change *change, const char *object, GError **error)
{
    if (change->publish_us != 0 &&
        !mnb_publishing_check(db, change->recording, change->actor, error))
        return FALSE;
    g_autofree char *at =
        change->publish_us != 0 ? mnb_time_to_rfc3339(change->publish_us) : g_strdup("");
    g_autofree char *detail =
        g_strdup_printf("{\"at\":\"%s\",\"time_zone\":\"%s\"}", at, change->time_zone);
    return mnb_publishing_order(db, change->recording, change->publish_us, change->time_zone,
                                change->actor, error) &&
           mnb_audit_append(db, change->now_us, change->actor, "recording-order", object, detail,
                            error);
}

static gboolean write_change(MnbDb *db, gpointer data, GError **error)
{
    const Change *change = data;
    g_autofree char *object = g_strconcat("recording:", change->recording, NULL);
    return (!change->is_submit || write_submit(db, change, object, error)) &&
           (!change->is_order || write_order(db, change, object, error));
}

static void on_changed(MnbHttpRequest *request, gpointer data)
{
    answer(request, ((Change *)data)->recording);
}

/* Returns: FALSE after a problem was answered. */
static gboolean read_change(MnbHttpRequest *request, Change *change)
{
    const char *zone = "";
    gboolean is_submit = FALSE;
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return FALSE;
    change->is_submit = mnb_fields_flag(fields, "submit", &is_submit) && is_submit;
    change->is_order = mnb_fields_time(fields, "publish_at", TRUE, &change->publish_us);
    gint64 ahead_us = change->publish_us - change->now_us;
    if (change->is_order && change->publish_us != 0 && ahead_us < 0)
        mnb_fields_wrong(fields, "publish_at", "in-the-past");
    else if (change->is_order && ahead_us > AHEAD_MAX_US)
        mnb_fields_wrong(fields, "publish_at", "out-of-range");
    mnb_fields_time_zone(fields, "time_zone", &zone);
    if (change->is_order && change->publish_us != 0)
        mnb_fields_require(fields, "time_zone");
    change->time_zone = g_strdup(zone);
    MnbProblem *problem = mnb_fields_finish(fields);
    if (problem != NULL)
        mnb_http_request_answer_problem(request, problem);
    return problem == NULL;
}

void mnb_api_publishing_change(MnbHttpRequest *request)
{
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    if (recording == NULL)
        return;
    Change *change = g_new0(Change, 1);
    change->recording = g_strdup(recording->id);
    change->actor = g_strdup(mnb_http_request_asker(request)->actor);
    change->now_us = mnb_http_request_wall_us(request);
    if (read_change(request, change))
        mnb_http_request_write(request, write_change, change, free_change, on_changed);
    else
        free_change(change);
}
