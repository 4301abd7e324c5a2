/* Questions to the city, asked beside a film. */
#include "recordings/audit.h"
#include "recordings/follow-up.h"
#include "server/base/error.h"
#include "server/http/api.h"
#include "server/http/objects.h"

static const char *const states[] = {"open", "shown", "hidden", NULL};

static json_t *question_json(const MnbFollowUp *question, gboolean is_reviewer)
{
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:o}", "id", question->id, "name", question->name,
                  "text", question->text, "asked_at", mnb_json_time(question->asked_us),
                  "answer_en", question->answer_en, "answer_ja", question->answer_ja, "answered_at",
                  mnb_json_time(question->answered_us));
    if (is_reviewer)
        json_object_set_new(json, "state",
                            json_string(mnb_follow_up_state_to_string(question->state)));
    return json;
}

static void answer_list(MnbHttpRequest *request, const char *recording, gboolean is_reviewer)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) questions =
        mnb_follow_up_list(mnb_http_request_db(request), recording, is_reviewer, &error);
    if (questions == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *items = json_array();
    for (guint i = 0; i < questions->len; i++)
        json_array_append_new(items, question_json(questions->pdata[i], is_reviewer));
    mnb_http_request_answer_json(request, 200, json_pack("{s:o}", "items", items));
}

void mnb_api_follow_ups(MnbHttpRequest *request)
{
    g_autoptr(MnbRecording) recording = mnb_api_find_watchable(request);
    if (recording != NULL)
        answer_list(request, recording->id, mnb_api_may_review(request, recording));
}

/* ---- asking ---- */

typedef struct {
    MnbFollowUp *question;
    char *actor;
    gint64 now_us;
} Asking;

static void free_asking(gpointer data)
{
    Asking *asking = data;
    mnb_follow_up_free(asking->question);
    g_free(asking->actor);
    g_free(asking);
}

static gboolean write_question(MnbDb *db, gpointer data, GError **error)
{
    Asking *asking = data;
    return mnb_follow_up_insert(db, asking->question, asking->now_us, error);
}

static void on_asked(MnbHttpRequest *request, gpointer data)
{
    mnb_http_request_answer_empty(request, 202);
}

static gboolean is_too_fast(MnbHttpRequest *request)
{
    g_autofree char *key = mnb_rate_address_key(mnb_http_request_address(request));
    guint wait_s = mnb_rate_take(mnb_http_request_services(request)->questions, key,
                                 mnb_http_request_now_us(request));
    if (wait_s == 0)
        return FALSE;
    MnbProblem *problem =
        mnb_problem_new(429, "too-many", "too many questions from this address; wait %u s", wait_s);
    mnb_problem_set_retry_after(problem, wait_s);
    mnb_http_request_answer_problem(request, problem);
    return TRUE;
}

void mnb_api_follow_up_ask(MnbHttpRequest *request)
{
    const char *text = "", *name = "";
    g_autoptr(MnbRecording) recording = mnb_api_find_watchable(request);
    g_autoptr(MnbFields) fields = recording != NULL ? mnb_http_request_fields(request) : NULL;
    if (fields == NULL)
        return;
    mnb_fields_require(fields, "text");
    mnb_fields_text(fields, "text", 3, MNB_FOLLOW_UP_TEXT_MAX, &text);
    mnb_fields_text(fields, "name", 0, MNB_FOLLOW_UP_NAME_MAX, &name);
    MnbProblem *problem = mnb_fields_finish(fields);
    if (problem != NULL) {
        mnb_http_request_answer_problem(request, problem);
        return;
    }
    if (is_too_fast(request))
        return;
    Asking *asking = g_new0(Asking, 1);
    asking->question = g_new0(MnbFollowUp, 1);
    asking->question->recording = g_strdup(recording->id);
    asking->question->text = g_strdup(text);
    asking->question->name = g_strdup(name);
    asking->now_us = mnb_http_request_wall_us(request);
    mnb_http_request_write(request, write_question, asking, free_asking, on_asked);
}

/* ---- answering ---- */

typedef struct {
    char *recording, *id, *actor;
    char *answer_en, *answer_ja; /* NULL: stays */
    const char *state;           /* static; NULL: stays */
    gint64 now_us;
} Answer;

static void free_answer(gpointer data)
{
    Answer *answer = data;
    g_free(answer->recording);
    g_free(answer->id);
    g_free(answer->actor);
    g_free(answer->answer_en);
    g_free(answer->answer_ja);
    g_free(answer);
}

static gboolean write_answer(MnbDb *db, gpointer data, GError **error)
{
    const Answer *answer = data;
    g_autofree char *object = g_strconcat("recording:", answer->recording, NULL);
    g_autofree char *detail = g_strdup_printf("{\"question\":\"%s\"}", answer->id);
    return mnb_follow_up_answer(db, answer->recording, answer->id, answer->answer_en,
                                answer->answer_ja, answer->state, answer->actor, answer->now_us,
                                error) &&
           mnb_audit_append(db, answer->now_us, answer->actor, "question-answer", object, detail,
                            error);
}

static void on_answered(MnbHttpRequest *request, gpointer data)
{
    answer_list(request, ((Answer *)data)->recording, TRUE);
}

void mnb_api_follow_up_answer(MnbHttpRequest *request)
{
    const char *en = NULL, *ja = NULL, *state = NULL;
    g_autoptr(MnbRecording) recording = mnb_api_find_reviewable(request);
    g_autoptr(MnbFields) fields = recording != NULL ? mnb_http_request_fields(request) : NULL;
    if (fields == NULL)
        return;
    mnb_fields_text(fields, "answer_en", 0, MNB_FOLLOW_UP_ANSWER_MAX, &en);
    mnb_fields_text(fields, "answer_ja", 0, MNB_FOLLOW_UP_ANSWER_MAX, &ja);
    mnb_fields_choice(fields, "state", states, &state);
    MnbProblem *problem = mnb_fields_finish(fields);
    if (problem != NULL) {
        mnb_http_request_answer_problem(request, problem);
        return;
    }
    Answer *answer = g_new0(Answer, 1);
    answer->recording = g_strdup(recording->id);
    answer->id = g_strdup(mnb_http_request_param(request, 1));
    answer->actor = g_strdup(mnb_http_request_asker(request)->actor);
    answer->answer_en = g_strdup(en);
    answer->answer_ja = g_strdup(ja);
    answer->state = state;
    answer->now_us = mnb_http_request_wall_us(request);
    mnb_http_request_write(request, write_answer, answer, free_answer, on_answered);
}
