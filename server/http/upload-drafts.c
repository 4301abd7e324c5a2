/* What is typed about films on their way in. */
#include "recordings/audit.h"
#include "recordings/taxonomy.h"
#include "server/base/error.h"
#include "server/http/api.h"
#include "server/http/objects.h"
#include "server/http/upload-problem.h"
#include "server/uploads/draft.h"
#include <string.h>

static json_t *upload_json(const MnbUpload *upload)
{
    json_t *draft = json_loads(upload->draft, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(draft)) {
        json_decref(draft);
        draft = json_object();
    }
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:s, s:b, s:o, s:o, s:o, s:o}", "id", upload->id, "file_name",
        upload->file_name, "file_key", upload->file_key, "size", (json_int_t)upload->size,
        "received", (json_int_t)upload->received, "state",
        mnb_upload_state_to_string(upload->state), "is_submitted", upload->is_submitted, "draft",
        draft, "recording", mnb_json_text(upload->recording), "created_at",
        mnb_json_time(upload->created_us), "expires_at", mnb_json_time(upload->expires_us));
}

static void answer_upload(MnbHttpRequest *request, const char *id)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbUpload) upload = mnb_upload_find(mnb_http_request_db(request), id, &error);
    if (upload == NULL)
        mnb_http_request_answer_error(request, error);
    else
        mnb_http_request_answer_json(request, 200, upload_json(upload));
}

void mnb_api_uploads(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) uploads = mnb_upload_list_open(mnb_http_request_db(request), NULL, &error);
    if (uploads == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *items = json_array();
    for (guint i = 0; i < uploads->len; i++)
        json_array_append_new(items, upload_json(uploads->pdata[i]));
    mnb_http_request_answer_json(request, 200,
                                 mnb_json_list(items, uploads->len, 1, MAX(uploads->len, 1)));
}

void mnb_api_upload(MnbHttpRequest *request)
{
    answer_upload(request, mnb_http_request_param(request, 0));
}

/* ---- the form ---- */

static gboolean is_day(const char *text)
{
    guint year, month, day;
    if (text[0] == '\0')
        return TRUE;
    return strlen(text) == 10 && sscanf(text, "%4u-%2u-%2u", &year, &month, &day) == 3 &&
           strspn(text, "0123456789-") == 10 && year >= 1970 && year < 2200 && month >= 1 &&
           month <= 12 && day >= 1 && day <= g_date_get_days_in_month(month, (GDateYear)year);
}

static void read_choices(MnbFields *fields, json_t *draft)
{
    static const char *const audiences[] = {"public", "link", "staff", NULL};
    static const char *const people[] = {"", "none", "consent", "unclear", NULL};
    static const char *const licences[] = {"",
                                           "all-rights-reserved",
                                           "cc-by-4.0",
                                           "cc-by-sa-4.0",
                                           "cc-by-nc-4.0",
                                           "cc-by-nd-4.0",
                                           "cc0-1.0",
                                           NULL};
    const struct {
        const char *name;
        const char *const *choices;
    } all[] = {{"audience", audiences}, {"people", people}, {"licence", licences}};
    const char *text;
    for (guint i = 0; i < G_N_ELEMENTS(all); i++)
        if (mnb_fields_choice(fields, all[i].name, all[i].choices, &text))
            json_object_set_new(draft, all[i].name, json_string(text));
    gboolean publish;
    if (mnb_fields_flag(fields, "publish", &publish))
        json_object_set_new(draft, "publish", json_boolean(publish));
    char **tags;
    if (mnb_fields_languages(fields, "languages", 0, MNB_LANGUAGES_MAX, &tags)) {
        json_t *list = json_array();
        for (guint i = 0; tags[i] != NULL; i++)
            json_array_append_new(list, json_string(tags[i]));
        json_object_set_new(draft, "languages", list);
        g_strfreev(tags);
    }
}

/* Puts what @fields say into @draft. What is wrong is noted in @fields. */
static void read_draft(MnbFields *fields, MnbDb *db, json_t *draft)
{
    static const struct {
        const char *name;
        guint max;
    } texts[] = {
        {"title_en", MNB_TITLE_MAX},
        {"title_ja", MNB_TITLE_MAX},
        {"description_en", MNB_DESCRIPTION_MAX},
        {"description_ja", MNB_DESCRIPTION_MAX},
        {"place_en", MNB_VISIT_PLACE_MAX},
        {"place_ja", MNB_VISIT_PLACE_MAX},
        {"series", MNB_VISIT_SERIES_MAX},
        {"area", 100},
        {"city", 100},
        {"visited_on", 10},
    };
    const char *text;
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        if (mnb_fields_text(fields, texts[i].name, 0, texts[i].max, &text))
            json_object_set_new(draft, texts[i].name, json_string(text));
    read_choices(fields, draft);
    const char *area = json_string_value(json_object_get(draft, "area"));
    const char *city = json_string_value(json_object_get(draft, "city"));
    const char *day = json_string_value(json_object_get(draft, "visited_on"));
    g_autoptr(MnbArea) found_area =
        area != NULL && area[0] != '\0' ? mnb_area_find(db, area, NULL) : NULL;
    g_autoptr(MnbCity) found_city =
        city != NULL && city[0] != '\0' ? mnb_city_find(db, city, NULL) : NULL;
    if (area != NULL && area[0] != '\0' && found_area == NULL)
        mnb_fields_wrong(fields, "area", "unknown");
    if (city != NULL && city[0] != '\0' && found_city == NULL)
        mnb_fields_wrong(fields, "city", "unknown");
    if (day != NULL && !is_day(day))
        mnb_fields_wrong(fields, "visited_on", "not-a-time");
}

typedef struct {
    char *id;
    char *actor;
    char *draft;
    char *city;
    gint64 now_us;
} Change;

static void free_change(gpointer data)
{
    Change *change = data;
    g_free(change->id);
    g_free(change->actor);
    g_free(change->draft);
    g_free(change->city);
    g_free(change);
}

static Change *change_new(MnbHttpRequest *request)
{
    Change *change = g_new0(Change, 1);
    change->id = g_strdup(mnb_http_request_param(request, 0));
    change->actor = g_strdup(mnb_http_request_asker(request)->actor);
    change->now_us = mnb_http_request_wall_us(request);
    return change;
}

static gboolean write_draft(MnbDb *db, gpointer data, GError **error)
{
    const Change *change = data;
    return mnb_upload_set_draft(db, change->id, change->draft, change->city,
                                change->now_us + MNB_UPLOADS_KEPT_US, change->now_us, error);
}

static void on_written(MnbHttpRequest *request, gpointer data)
{
    answer_upload(request, ((const Change *)data)->id);
}

/* Returns (owned): NULL when the city has room for the film. */
static MnbProblem *check_city(MnbHttpRequest *request, const MnbUpload *upload, char *city)
{
    g_autoptr(GError) error = NULL;
    gint64 left;
    if (city == NULL || g_strcmp0(city, upload->city) == 0)
        return NULL;
    MnbUpload moved = *upload;
    moved.city = city;
    MnbUploads *uploads = mnb_http_request_services(request)->uploads;
    MnbUploadsVerdict verdict = mnb_uploads_judge(uploads, &moved, FALSE, &left, &error);
    return mnb_upload_problem_of_verdict(verdict, upload->size, left, error);
}

void mnb_api_upload_draft(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_http_request_db(request);
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return;
    g_autoptr(MnbUpload) upload = mnb_upload_find(db, mnb_http_request_param(request, 0), &error);
    if (upload == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *draft = json_loads(upload->draft, JSON_REJECT_DUPLICATES, NULL);
    read_draft(fields, db, draft);
    MnbProblem *problem = mnb_fields_finish(fields);
    const char *city = json_string_value(json_object_get(draft, "city"));
    g_autofree char *city_code = city != NULL && city[0] != '\0' ? g_strdup(city) : NULL;
    if (problem == NULL)
        problem = check_city(request, upload, city_code);
    if (problem != NULL) {
        mnb_http_request_answer_problem(request, problem);
        json_decref(draft);
        return;
    }
    Change *change = change_new(request);
    char *text = json_dumps(draft, JSON_COMPACT);
    change->draft = g_strdup(text);
    change->city = g_steal_pointer(&city_code);
    free(text);
    json_decref(draft);
    mnb_http_request_write(request, write_draft, change, free_change, on_written);
}

/* ---- submitting ---- */

static void note_wrong(const char *field, const char *code, gpointer data)
{
    mnb_problem_add_field(data, field, code);
}

static gboolean write_submission(MnbDb *db, gpointer data, GError **error)
{
    const Change *change = data;
    g_autofree char *object = g_strconcat("upload:", change->id, NULL);
    return mnb_upload_submit(db, change->id, change->now_us, error) &&
           mnb_audit_append(db, change->now_us, change->actor, "upload-submit", object, NULL,
                            error);
}

static void on_submitted(MnbHttpRequest *request, gpointer data)
{
    const Change *change = data;
    mnb_uploads_promote(mnb_http_request_services(request)->uploads, change->id);
    answer_upload(request, change->id);
}

void mnb_api_upload_submit(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbUpload) upload =
        mnb_upload_find(mnb_http_request_db(request), mnb_http_request_param(request, 0), &error);
    if (upload == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *draft = json_loads(upload->draft, JSON_REJECT_DUPLICATES, NULL);
    MnbProblem *problem = mnb_problem_new(422, "invalid",
                                          "the form is not complete; nothing is published without "
                                          "area and city");
    gboolean is_good = mnb_draft_check(draft, note_wrong, problem);
    json_decref(draft);
    if (!is_good) {
        mnb_http_request_answer_problem(request, problem);
        return;
    }
    mnb_problem_free(problem);
    mnb_http_request_write(request, write_submission, change_new(request), free_change,
                           on_submitted);
}
