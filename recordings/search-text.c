#include "recordings/search-text.h"

#include <string.h>

#include "recordings/cjk2.h"
#include "recordings/db-private.h"
#include "recordings/fields.h"
#include "recordings/film-edit.h"

#define SAID_BYTES_MAX (4 * 1024 * 1024) /* of one recording; the rest is not found */

#define UPSERT                                                                                     \
    "INSERT INTO search_text(num, title_en, title_ja, description_en, description_ja, place)"      \
    " SELECT r.num, r.title_en, r.title_ja, r.description_en, r.description_ja, c.name_en || ' '"  \
    "  || c.name_ja || ' ' || c.prefecture_en || ' ' || c.prefecture_ja || ' ' || a.name_en"       \
    "  || ' ' || a.name_ja || coalesce((SELECT ' ' || group_concat(p.title_en || ' '"              \
    "  || p.title_ja, ' ') FROM product p WHERE p.recording = r.id), '')"                          \
    " FROM recording r JOIN city c ON c.code = r.city JOIN area a ON a.code = r.area"

/* A row whose text stays the same is left alone: the index would be written again for nothing. */
#define ON_CONFLICT                                                                                \
    " ON CONFLICT(num) DO UPDATE SET title_en = excluded.title_en, title_ja = excluded.title_ja,"  \
    "  description_en = excluded.description_en, description_ja = excluded.description_ja,"        \
    "  place = excluded.place"                                                                     \
    " WHERE (title_en, title_ja, description_en, description_ja, place) <>"                        \
    "  (excluded.title_en, excluded.title_ja, excluded.description_en, excluded.description_ja,"   \
    "   excluded.place)"

typedef struct {
    gint64 num; /* of the recording */
    GString *text;
    GArray *starts; /* guint32, bytes in text: where each moment begins */
    GArray *marks;  /* MnbSaidMark */
    guint n_tokens;
    guint next; /* moment whose first token was not seen yet */
} Said;

/* Tokens are counted over the whole text, as FTS5 does. */
static int on_token(const char *token, int length, int start, int end, gpointer data)
{
    Said *said = data;
    for (; said->next < said->marks->len &&
           g_array_index(said->starts, guint32, said->next) <= (guint32)start;
         said->next++)
        g_array_index(said->marks, MnbSaidMark, said->next).token = GUINT32_TO_LE(said->n_tokens);
    said->n_tokens++;
    return 0;
}

static void add_moment(Said *said, gint64 num, gint64 film_us, const char *text)
{
    MnbSaidMark mark = {G_MAXUINT32, GUINT32_TO_LE((guint32)(film_us / 1000)), GINT64_TO_LE(num)};
    guint32 start = (guint32)said->text->len;
    g_array_append_val(said->starts, start);
    g_array_append_val(said->marks, mark);
    g_string_append(said->text, text);
    g_string_append_c(said->text, '\n');
}

/* Moments of one track stay together, in order of time. */
static gboolean read_said(MnbDb *db, const char *recording, const char *edit_made, Said *said,
                          GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT num, at_us, text FROM moment WHERE recording = ?1"
                       " ORDER BY kind, language, at_us, num",
                       error);
    if (stmt == NULL)
        return FALSE;
    MnbFilmEdit edit;
    mnb_film_edit_read(edit_made, 1000, &edit);
    mnb_stmt_bind_text(stmt, 1, recording);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0) {
        gboolean is_cut_out;
        gint64 film_us = mnb_film_edit_to_film(&edit, mnb_stmt_int(stmt, 1), &is_cut_out);
        const char *text = mnb_stmt_text(stmt, 2);
        if (!is_cut_out && *text != '\0' && said->text->len + strlen(text) < SAID_BYTES_MAX)
            add_moment(said, mnb_stmt_int(stmt, 0), film_us, text);
    }
    mnb_cjk2_tokenize(said->text->str, (int)said->text->len, MNB_CJK2_DOCUMENT, on_token, said);
    return result == 0;
}

static gboolean write_said(MnbDb *db, const Said *said, GError **error)
{
    g_autoptr(MnbStmt) text =
        mnb_db_prepare(db, "UPDATE search_text SET said = ?2 WHERE num = ?1 AND said <> ?2", error);
    g_autoptr(MnbStmt) marks = mnb_db_prepare(
        db,
        said->marks->len > 0 ? "INSERT INTO search_said(num, marks) VALUES (?1, ?2)"
                               " ON CONFLICT(num) DO UPDATE SET marks = excluded.marks"
                             : "DELETE FROM search_said WHERE num = ?1",
        error);
    if (text == NULL || marks == NULL)
        return FALSE;
    mnb_stmt_bind_int(text, 1, said->num);
    mnb_stmt_bind_text(text, 2, said->text->str);
    mnb_stmt_bind_int(marks, 1, said->num);
    if (said->marks->len > 0)
        mnb_stmt_bind_blob(marks, 2, said->marks->data, said->marks->len * sizeof(MnbSaidMark));
    return mnb_stmt_run(text, error) && mnb_stmt_run(marks, error);
}

static gboolean put_said(MnbDb *db, const char *recording, GError **error)
{
    Said said = {.text = g_string_new(NULL),
                 .starts = g_array_new(FALSE, FALSE, sizeof(guint32)),
                 .marks = g_array_new(FALSE, FALSE, sizeof(MnbSaidMark))};
    g_autofree char *edit_made = NULL;
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT num, edit_made FROM recording WHERE id = ?1", error);
    gboolean ok = stmt != NULL;
    if (ok) {
        mnb_stmt_bind_text(stmt, 1, recording);
        int result = mnb_stmt_step(stmt, error);
        if (result > 0) {
            said.num = mnb_stmt_int(stmt, 0);
            edit_made = mnb_stmt_dup_text(stmt, 1);
            ok = read_said(db, recording, edit_made, &said, error) && write_said(db, &said, error);
        } else {
            ok = result == 0; /* no such recording: the caller finds out */
        }
    }
    g_string_free(said.text, TRUE);
    g_array_unref(said.starts);
    g_array_unref(said.marks);
    return ok;
}

gboolean mnb_search_text_put(MnbDb *db, const char *recording, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, UPSERT " WHERE r.id = ?1" ON_CONFLICT, error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, recording);
    return mnb_stmt_run(stmt, error) && put_said(db, recording, error);
}

gboolean mnb_search_text_put_all(MnbDb *db, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, UPSERT " WHERE TRUE" ON_CONFLICT, error);
    return stmt != NULL && mnb_stmt_run(stmt, error);
}

static GPtrArray *list_with_moments(MnbDb *db, GError **error)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, "SELECT DISTINCT recording FROM moment", error);
    int result = stmt == NULL ? -1 : 1;
    while (result > 0 && (result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(ids, mnb_stmt_dup_text(stmt, 0));
    return result == 0 ? g_steal_pointer(&ids) : NULL;
}

gboolean mnb_search_text_put_said_once(MnbDb *db, GError **error)
{
    gint64 is_done;
    if (!mnb_db_int(db, "SELECT value FROM counter WHERE name = 'search-said'", &is_done, error))
        return FALSE;
    if (is_done != 0)
        return TRUE;
    g_autoptr(GPtrArray) ids = list_with_moments(db, error);
    for (guint i = 0; ids != NULL && i < ids->len; i++)
        if (!put_said(db, ids->pdata[i], error))
            return FALSE;
    return ids != NULL &&
           mnb_db_exec(db, "UPDATE counter SET value = 1 WHERE name = 'search-said'", error);
}
