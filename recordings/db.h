/* db.h - one connection to the catalogue, with its prepared statements kept.
 *
 * Used by the modules of this folder; others get a MnbDb from the catalogue and hand it to them. A
 * connection belongs to one thread. Statements are given out reset and must be given back with
 * mnb_db_done() (g_autoptr does it), else the reader would hold an old state of the file. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

typedef struct MnbDb MnbDb;
typedef struct MnbStmt MnbStmt;

typedef enum {
    MNB_DB_WRITER, /* creates the file, WAL, synchronous=FULL, foreign keys */
    MNB_DB_READER, /* query_only */
} MnbDbMode;

/* Opens @path and registers the tokenizer. Errors: MNB_ERROR_STORAGE, MNB_ERROR_DAMAGED. */
MnbDb *mnb_db_open(const char *path, MnbDbMode mode, GError **error);
void mnb_db_close(MnbDb *db); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbDb, mnb_db_close)

sqlite3 *mnb_db_handle(MnbDb *db); /* borrowed */

/* Runs statements without parameters or rows. */
gboolean mnb_db_exec(MnbDb *db, const char *sql, GError **error);

/* @sql: kept by address, so a string literal. Returns: NULL if it does not compile. */
MnbStmt *mnb_db_prepare(MnbDb *db, const char *sql, GError **error);
void mnb_db_done(MnbStmt *stmt); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbStmt, mnb_db_done)

/* Parameters count from 1. Texts and blobs are borrowed until mnb_db_done(). NULL binds NULL. */
void mnb_stmt_bind_text(MnbStmt *stmt, int at, const char *text);
void mnb_stmt_bind_int(MnbStmt *stmt, int at, gint64 value);
void mnb_stmt_bind_time(MnbStmt *stmt, int at, gint64 value_us); /* 0 binds NULL */
void mnb_stmt_bind_blob(MnbStmt *stmt, int at, const void *data, gsize size);

/* Returns: 1 for a row, 0 at the end, -1 with @error set.
 * Errors: MNB_ERROR_STORAGE_FULL, MNB_ERROR_DAMAGED, MNB_ERROR_CONFLICT (unique), MNB_ERROR_INVALID
 * (a CHECK, NOT NULL or foreign key refused it), MNB_ERROR_STORAGE. */
int mnb_stmt_step(MnbStmt *stmt, GError **error);

/* Runs to the end. TRUE if it worked. */
gboolean mnb_stmt_run(MnbStmt *stmt, GError **error);

/* Columns count from 0. Text: borrowed until the next step; NULL for NULL. */
const char *mnb_stmt_text(MnbStmt *stmt, int column);
char *mnb_stmt_dup_text(MnbStmt *stmt, int column); /* owned; NULL for NULL */
gint64 mnb_stmt_int(MnbStmt *stmt, int column);     /* 0 for NULL */
gboolean mnb_stmt_is_null(MnbStmt *stmt, int column);
const void *mnb_stmt_blob(MnbStmt *stmt, int column, gsize *size);

/* Rows changed by the last statement. */
int mnb_db_changes(MnbDb *db);
