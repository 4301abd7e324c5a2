#include "recordings/db.h"

#include <fcntl.h>
#include <unistd.h>

#include "recordings/cjk2.h"
#include "recordings/db-private.h"
#include "recordings/search-index.h"
#include "server/base/error.h"

#define READER_CACHE_KIB 32768 /* pages of the file kept in memory, each connection */
#define BUSY_TIMEOUT_MS  5000

struct MnbDb {
    sqlite3 *handle;
    MnbDbMode mode;
    GHashTable *statements; /* SQL (by address) -> MnbStmt */
    gpointer attachment;
    GDestroyNotify attachment_free;
};

struct MnbStmt {
    MnbDb *db;
    sqlite3_stmt *handle;
    gboolean is_used;
    gboolean is_kept; /* in db->statements */
};

static MnbErrorCode code_of_sqlite(int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
        return MNB_ERROR_STORAGE_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return MNB_ERROR_DAMAGED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return MNB_ERROR_BUSY;
    case SQLITE_CONSTRAINT:
        break;
    default:
        return MNB_ERROR_STORAGE;
    }
    switch (result) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return MNB_ERROR_CONFLICT;
    default:
        return MNB_ERROR_INVALID;
    }
}

static void set_error(sqlite3 *handle, GError **error)
{
    int result = handle == NULL ? SQLITE_NOMEM : sqlite3_extended_errcode(handle);
    g_set_error(error, MNB_ERROR, (int)code_of_sqlite(result), "catalogue: %s (%d)",
                handle == NULL ? "out of memory" : sqlite3_errmsg(handle), result);
}

static void free_statement(gpointer data)
{
    MnbStmt *stmt = data;
    sqlite3_finalize(stmt->handle);
    g_free(stmt);
}

static gboolean set_up(MnbDb *db, GError **error)
{
    static const char writer[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                 "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON;"
                                 "PRAGMA temp_store = MEMORY;"
                                 "PRAGMA journal_size_limit = 67108864;";
    static const char reader[] = "PRAGMA query_only = ON; PRAGMA foreign_keys = ON;"
                                 "PRAGMA temp_store = MEMORY;";
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (mnb_cjk2_register(db->handle) != SQLITE_OK || !mnb_search_index_register(db->handle)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_MISSING,
                    "catalogue: this SQLite has no FTS5 extension");
        return FALSE;
    }
    if (!mnb_db_exec(db, db->mode == MNB_DB_WRITER ? writer : reader, error))
        return FALSE;
    if (db->mode == MNB_DB_READER) {
        /* Only the writing connection may checkpoint: see the header of catalog.h. */
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_wal_autocheckpoint(db->handle, 0);
    }
    g_autofree char *cache = g_strdup_printf("PRAGMA cache_size = -%d", READER_CACHE_KIB);
    return mnb_db_exec(db, cache, error);
}

void mnb_db_make_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

MnbDb *mnb_db_open(const char *path, MnbDbMode mode, GError **error)
{
    g_return_val_if_fail(path != NULL, NULL);
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |=
        mode == MNB_DB_WRITER ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    MnbDb *db = g_new0(MnbDb, 1);
    db->mode = mode;
    db->statements = g_hash_table_new_full(NULL, NULL, NULL, free_statement);
    if (mode == MNB_DB_WRITER)
        mnb_db_make_private(path);
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
        set_error(db->handle, error);
        g_prefix_error(error, "%s: ", path);
        mnb_db_close(db);
        return NULL;
    }
    if (!set_up(db, error)) {
        mnb_db_close(db);
        return NULL;
    }
    return db;
}

void mnb_db_close(MnbDb *db)
{
    if (db == NULL)
        return;
    mnb_db_attach(db, NULL, NULL);
    g_hash_table_destroy(db->statements);
    sqlite3_close_v2(db->handle);
    g_free(db);
}

sqlite3 *mnb_db_handle(MnbDb *db)
{
    return db->handle;
}

MnbDbMode mnb_db_mode(MnbDb *db)
{
    return db->mode;
}

gpointer mnb_db_attachment(MnbDb *db)
{
    return db->attachment;
}

void mnb_db_attach(MnbDb *db, gpointer data, GDestroyNotify destroy)
{
    if (db->attachment != NULL && db->attachment_free != NULL)
        db->attachment_free(db->attachment);
    db->attachment = data;
    db->attachment_free = destroy;
}

gboolean mnb_db_exec(MnbDb *db, const char *sql, GError **error)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
        return TRUE;
    set_error(db->handle, error);
    return FALSE;
}

MnbStmt *mnb_db_prepare(MnbDb *db, const char *sql, GError **error)
{
    MnbStmt *kept = g_hash_table_lookup(db->statements, sql);
    if (kept != NULL && !kept->is_used) {
        kept->is_used = TRUE;
        return kept;
    }
    sqlite3_stmt *handle = NULL;
    unsigned flags = kept == NULL ? SQLITE_PREPARE_PERSISTENT : 0;
    if (sqlite3_prepare_v3(db->handle, sql, -1, flags, &handle, NULL) != SQLITE_OK) {
        set_error(db->handle, error);
        return NULL;
    }
    MnbStmt *stmt = g_new0(MnbStmt, 1);
    stmt->db = db;
    stmt->handle = handle;
    stmt->is_used = TRUE;
    stmt->is_kept = kept == NULL;
    if (stmt->is_kept)
        g_hash_table_insert(db->statements, (gpointer)sql, stmt);
    return stmt;
}

void mnb_db_done(MnbStmt *stmt)
{
    if (stmt == NULL)
        return;
    if (!stmt->is_kept) {
        free_statement(stmt);
        return;
    }
    sqlite3_reset(stmt->handle);
    sqlite3_clear_bindings(stmt->handle);
    stmt->is_used = FALSE;
}

void mnb_stmt_bind_text(MnbStmt *stmt, int at, const char *text)
{
    if (text == NULL)
        sqlite3_bind_null(stmt->handle, at);
    else
        sqlite3_bind_text(stmt->handle, at, text, -1, SQLITE_STATIC);
}

void mnb_stmt_bind_int(MnbStmt *stmt, int at, gint64 value)
{
    sqlite3_bind_int64(stmt->handle, at, value);
}

void mnb_stmt_bind_time(MnbStmt *stmt, int at, gint64 value_us)
{
    if (value_us == 0)
        sqlite3_bind_null(stmt->handle, at);
    else
        sqlite3_bind_int64(stmt->handle, at, value_us);
}

void mnb_stmt_bind_blob(MnbStmt *stmt, int at, const void *data, gsize size)
{
    sqlite3_bind_blob64(stmt->handle, at, data, size, SQLITE_STATIC);
}

int mnb_stmt_step(MnbStmt *stmt, GError **error)
{
    int result = sqlite3_step(stmt->handle);
    if (result == SQLITE_ROW)
        return 1;
    if (result == SQLITE_DONE)
        return 0;
    set_error(stmt->db->handle, error);
    return -1;
}

gboolean mnb_stmt_run(MnbStmt *stmt, GError **error)
{
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        ;
    return result == 0;
}

const char *mnb_stmt_text(MnbStmt *stmt, int column)
{
    return (const char *)sqlite3_column_text(stmt->handle, column);
}

char *mnb_stmt_dup_text(MnbStmt *stmt, int column)
{
    return g_strdup(mnb_stmt_text(stmt, column));
}

gint64 mnb_stmt_int(MnbStmt *stmt, int column)
{
    return sqlite3_column_int64(stmt->handle, column);
}

gboolean mnb_stmt_is_null(MnbStmt *stmt, int column)
{
    return sqlite3_column_type(stmt->handle, column) == SQLITE_NULL;
}

const void *mnb_stmt_blob(MnbStmt *stmt, int column, gsize *size)
{
    const void *data = sqlite3_column_blob(stmt->handle, column);
    *size = (gsize)sqlite3_column_bytes(stmt->handle, column);
    return data;
}

int mnb_db_changes(MnbDb *db)
{
    return sqlite3_changes(db->handle);
}

gboolean mnb_db_int(MnbDb *db, const char *sql, gint64 *value, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, sql, error);
    if (stmt == NULL)
        return FALSE;
    int result = mnb_stmt_step(stmt, error);
    if (result < 0)
        return FALSE;
    *value = result > 0 ? mnb_stmt_int(stmt, 0) : 0;
    return TRUE;
}
