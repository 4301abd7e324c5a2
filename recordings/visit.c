#include "recordings/visit.h"

#include "recordings/fields.h"
#include "recordings/recording-private.h"

const char *const mnb_visit_people[] = {"none", "consent", "unclear", NULL};

void mnb_visit_free(MnbVisit *visit)
{
    if (visit == NULL)
        return;
    g_free(visit->place_en);
    g_free(visit->place_ja);
    g_free(visit->visited_on);
    g_free(visit->people);
    g_free(visit->series);
    g_free(visit);
}

MnbVisit *mnb_visit_find(MnbDb *db, const char *recording, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT place_en, place_ja, visited_on, people, series FROM visit"
                       " WHERE recording = ?1",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, recording);
    int result = mnb_stmt_step(stmt, error);
    if (result <= 0) {
        if (result == 0)
            mnb_set_not_found(error, "visit of", recording);
        return NULL;
    }
    MnbVisit *visit = g_new0(MnbVisit, 1);
    visit->place_en = mnb_stmt_dup_text(stmt, 0);
    visit->place_ja = mnb_stmt_dup_text(stmt, 1);
    visit->visited_on = mnb_stmt_dup_text(stmt, 2);
    visit->people = mnb_stmt_dup_text(stmt, 3);
    visit->series = mnb_stmt_dup_text(stmt, 4);
    return visit;
}

gboolean mnb_visit_put(MnbDb *db, const char *recording, const MnbVisit *visit, GError **error)
{
    if (!mnb_field_text("place_en", visit->place_en, MNB_VISIT_PLACE_MAX, error) ||
        !mnb_field_text("place_ja", visit->place_ja, MNB_VISIT_PLACE_MAX, error) ||
        !mnb_field_text("series", visit->series, MNB_VISIT_SERIES_MAX, error))
        return FALSE;
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT OR REPLACE INTO visit(recording, place_en, place_ja, visited_on, people, series)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    mnb_stmt_bind_text(stmt, 2, mnb_text(visit->place_en));
    mnb_stmt_bind_text(stmt, 3, mnb_text(visit->place_ja));
    mnb_stmt_bind_text(stmt, 4, mnb_text(visit->visited_on));
    mnb_stmt_bind_text(stmt, 5, mnb_text(visit->people));
    mnb_stmt_bind_text(stmt, 6, mnb_text(visit->series));
    return mnb_stmt_run(stmt, error) && mnb_recording_touch(db, recording, error);
}
