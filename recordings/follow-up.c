#include "recordings/follow-up.h"

#include "recordings/fields.h"
#include "server/base/error.h"
#include "server/base/ids.h"

static const char *const state_names[] = {"open", "shown", "hidden"};
MNB_DEFINE_NAMES(MnbFollowUpState, mnb_follow_up_state, state_names)

void mnb_follow_up_free(MnbFollowUp *question)
{
    if (question == NULL)
        return;
    g_free(question->id);
    g_free(question->recording);
    g_free(question->name);
    g_free(question->text);
    g_free(question->answer_en);
    g_free(question->answer_ja);
    g_free(question->answered_by);
    g_free(question);
}

static void free_question(gpointer data)
{
    mnb_follow_up_free(data);
}

GPtrArray *mnb_follow_up_list(MnbDb *db, const char *recording, gboolean all, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "SELECT id, recording, name, text, asked_us, answer_en, answer_ja, answered_by,"
        " coalesce(answered_us, 0), state FROM follow_up"
        " WHERE recording = ?1 AND (?2 OR state = 'shown') ORDER BY asked_us, id",
        error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_int(stmt, 2, all ? 1 : 0);
    g_autoptr(GPtrArray) questions = g_ptr_array_new_with_free_func(free_question);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        MnbFollowUp *question = g_new0(MnbFollowUp, 1);
        question->id = mnb_stmt_dup_text(stmt, 0);
        question->recording = mnb_stmt_dup_text(stmt, 1);
        question->name = mnb_stmt_dup_text(stmt, 2);
        question->text = mnb_stmt_dup_text(stmt, 3);
        question->asked_us = mnb_stmt_int(stmt, 4);
        question->answer_en = mnb_stmt_dup_text(stmt, 5);
        question->answer_ja = mnb_stmt_dup_text(stmt, 6);
        question->answered_by = mnb_stmt_dup_text(stmt, 7);
        question->answered_us = mnb_stmt_int(stmt, 8);
        mnb_follow_up_state_parse(mnb_stmt_text(stmt, 9), &question->state);
        g_ptr_array_add(questions, question);
    }
    return result == 0 ? g_steal_pointer(&questions) : NULL;
}

static gboolean check_room(MnbDb *db, const char *recording, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db, "SELECT count(*) FROM follow_up WHERE recording = ?1 AND state = 'open'", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    if (mnb_stmt_step(stmt, error) <= 0)
        return FALSE;
    if (mnb_stmt_int(stmt, 0) < MNB_FOLLOW_UP_OPEN_MAX)
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_LIMIT,
                "%d questions about this film wait for an answer already", MNB_FOLLOW_UP_OPEN_MAX);
    return FALSE;
}

gboolean mnb_follow_up_insert(MnbDb *db, MnbFollowUp *question, gint64 now_us, GError **error)
{
    if (!mnb_field_text("name", question->name, MNB_FOLLOW_UP_NAME_MAX, error) ||
        !mnb_field_text("text", question->text, MNB_FOLLOW_UP_TEXT_MAX, error) ||
        !check_room(db, question->recording, error))
        return FALSE;
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "INSERT INTO follow_up(id, recording, name, text, asked_us)"
                       " VALUES (?1, ?2, ?3, ?4, ?5)",
                       error);
    if (stmt == NULL)
        return FALSE;
    g_free(question->id);
    question->id = mnb_id_new();
    question->asked_us = now_us;
    mnb_stmt_bind_text(stmt, 1, question->id);
    mnb_stmt_bind_text(stmt, 2, question->recording);
    mnb_stmt_bind_text(stmt, 3, mnb_text(question->name));
    mnb_stmt_bind_text(stmt, 4, question->text);
    mnb_stmt_bind_int(stmt, 5, now_us);
    return mnb_stmt_run(stmt, error);
}

gboolean mnb_follow_up_answer(MnbDb *db, const char *recording, const char *id,
                              const char *answer_en, const char *answer_ja, const char *state,
                              const char *actor, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "UPDATE follow_up SET answer_en = coalesce(?3, answer_en),"
        " answer_ja = coalesce(?4, answer_ja), state = coalesce(?5, state), answered_by = ?6,"
        " answered_us = ?7 WHERE recording = ?1 AND id = ?2 AND (coalesce(?5, state) <> 'shown' OR"
        " coalesce(?3, answer_en) <> '' OR coalesce(?4, answer_ja) <> '')",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_text(stmt, 2, id);
    mnb_stmt_bind_text(stmt, 3, answer_en);
    mnb_stmt_bind_text(stmt, 4, answer_ja);
    mnb_stmt_bind_text(stmt, 5, state);
    mnb_stmt_bind_text(stmt, 6, actor);
    mnb_stmt_bind_int(stmt, 7, now_us);
    if (!mnb_stmt_run(stmt, error))
        return FALSE;
    if (mnb_db_changes(db) > 0)
        return TRUE;
    g_autoptr(MnbStmt) there =
        mnb_db_prepare(db, "SELECT 1 FROM follow_up WHERE recording = ?1 AND id = ?2", error);
    if (there == NULL)
        return FALSE;
    mnb_stmt_bind_text(there, 1, recording);
    mnb_stmt_bind_text(there, 2, id);
    if (mnb_stmt_step(there, error) <= 0)
        return mnb_set_not_found(error, "question", id);
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "a question is shown with its answer only");
    return FALSE;
}
