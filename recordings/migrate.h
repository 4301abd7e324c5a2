/* migrate.h - brings a catalogue to the newest schema: numbered SQL files, a transaction each. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

typedef struct {
    int version; /* from 1, without gaps */
    const char *sql;
} MnbMigration;

/* PRAGMA user_version says which were applied. Before the first one on a file that has data, the
 * file is copied to @backup_path (VACUUM INTO); NULL: no copy.
 * Errors: MNB_ERROR_CONFLICT if the file is newer than the last of @migrations; those of a
 * migration, which leave the version before it. */
gboolean mnb_migrate(MnbDb *db, const MnbMigration *migrations, guint n_migrations,
                     const char *backup_path, GError **error);

/* The files of recordings/schema, which are built into the program. */
gboolean mnb_migrate_to_newest(MnbDb *db, const char *backup_path, GError **error);
