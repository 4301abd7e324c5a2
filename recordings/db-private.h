/* db-private.h - what only the modules of this folder need of a connection. */
#pragma once

#include "recordings/db.h"

MnbDbMode mnb_db_mode(MnbDb *db);

/* One object that lives as long as the connection: the search index keeps its copy of the facets
 * there. */
gpointer mnb_db_attachment(MnbDb *db); /* borrowed; NULL: none */
void mnb_db_attach(MnbDb *db, gpointer data, GDestroyNotify destroy);

/* Makes an empty file that its owner alone reads, where SQLite would make one for all; -wal and
 * -shm take after it. If that fails, so will SQLite, with a better reason. */
void mnb_db_make_private(const char *path);

/* The first column of the first row; 0 without a row. @sql: a literal. */
gboolean mnb_db_int(MnbDb *db, const char *sql, gint64 *value, GError **error);
