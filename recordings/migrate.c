#include "recordings/migrate.h"

#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#include "recordings/db-private.h"
#include "recordings/schema-resource.h"
#include "server/base/error.h"
#include "server/base/log.h"

#define PREFIX "/manabi/schema"

static gboolean back_up(MnbDb *db, const char *path, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, "VACUUM INTO ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, path);
    mnb_db_make_private(path);
    return mnb_stmt_run(stmt, error);
}

static gboolean apply(MnbDb *db, const MnbMigration *migration, GError **error)
{
    g_autofree char *version = g_strdup_printf("PRAGMA user_version = %d", migration->version);
    if (!mnb_db_exec(db, "BEGIN IMMEDIATE", error))
        return FALSE;
    if (mnb_db_exec(db, migration->sql, error) && mnb_db_exec(db, version, error) &&
        mnb_db_exec(db, "COMMIT", error))
        return TRUE;
    g_prefix_error(error, "migration %04d: ", migration->version);
    if (!sqlite3_get_autocommit(mnb_db_handle(db)))
        mnb_db_exec(db, "ROLLBACK", NULL);
    return FALSE;
}

gboolean mnb_migrate(MnbDb *db, const MnbMigration *migrations, guint n_migrations,
                     const char *backup_path, GError **error)
{
    gint64 version;
    if (!mnb_db_int(db, "PRAGMA user_version", &version, error))
        return FALSE;
    if (version > (gint64)n_migrations) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT,
                    "the catalogue has schema %d and this program knows %u: it was written by a "
                    "newer Manabi; install that one, or restore a backup",
                    (int)version, n_migrations);
        return FALSE;
    }
    if (version == (gint64)n_migrations)
        return TRUE;
    if (version > 0 && backup_path != NULL && !back_up(db, backup_path, error))
        return FALSE;
    for (guint i = (guint)version; i < n_migrations; i++) {
        if (!apply(db, &migrations[i], error))
            return FALSE;
        MNB_LOG_INFO("catalogue migrated", "schema=%d", migrations[i].version);
    }
    return TRUE;
}

static int compare_names(gconstpointer left, gconstpointer right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

gboolean mnb_migrate_to_newest(MnbDb *db, const char *backup_path, GError **error)
{
    GResource *resource = mnb_schema_get_resource();
    g_auto(GStrv) names = g_resource_enumerate_children(resource, PREFIX, 0, error);
    if (names == NULL)
        return FALSE;
    guint n = g_strv_length(names);
    qsort(names, n, sizeof names[0], compare_names);
    g_autofree MnbMigration *migrations = g_new0(MnbMigration, n);
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < n; i++) {
        g_autofree char *path = g_strconcat(PREFIX "/", names[i], NULL);
        g_autoptr(GBytes) bytes = g_resource_lookup_data(resource, path, 0, error);
        if (bytes == NULL)
            return FALSE;
        gsize size;
        const char *data = g_bytes_get_data(bytes, &size);
        g_ptr_array_add(texts, g_strndup(data, size));
        migrations[i] = (MnbMigration){atoi(names[i]), texts->pdata[i]};
        if (migrations[i].version != (int)i + 1) {
            g_set_error(error, MNB_ERROR, MNB_ERROR_FAILED, "migration %s is out of order",
                        names[i]);
            return FALSE;
        }
    }
    return mnb_migrate(db, migrations, n, backup_path, error);
}
