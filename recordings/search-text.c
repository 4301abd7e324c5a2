#include "recordings/search-text.h"

#include "recordings/fields.h"

#define UPSERT                                                                                     \
    "INSERT INTO search_text(num, title_en, title_ja, description_en, description_ja, place)"      \
    " SELECT r.num, r.title_en, r.title_ja, r.description_en, r.description_ja, c.name_en || ' '"  \
    "  || c.name_ja || ' ' || c.prefecture_en || ' ' || c.prefecture_ja || ' ' || a.name_en"       \
    "  || ' ' || a.name_ja"                                                                        \
    " FROM recording r JOIN city c ON c.code = r.city JOIN area a ON a.code = r.area"

/* A row whose text stays the same is left alone: the index would be written again for nothing. */
#define ON_CONFLICT                                                                                \
    " ON CONFLICT(num) DO UPDATE SET title_en = excluded.title_en, title_ja = excluded.title_ja,"  \
    "  description_en = excluded.description_en, description_ja = excluded.description_ja,"        \
    "  place = excluded.place"                                                                     \
    " WHERE (title_en, title_ja, description_en, description_ja, place) <>"                        \
    "  (excluded.title_en, excluded.title_ja, excluded.description_en, excluded.description_ja,"   \
    "   excluded.place)"

gboolean mnb_search_text_put(MnbDb *db, const char *recording, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, UPSERT " WHERE r.id = ?1" ON_CONFLICT, error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    return mnb_stmt_run(stmt, error);
}

gboolean mnb_search_text_put_all(MnbDb *db, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, UPSERT " WHERE TRUE" ON_CONFLICT, error);
    return stmt != NULL && mnb_stmt_run(stmt, error);
}
