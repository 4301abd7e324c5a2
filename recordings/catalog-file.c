#include "recordings/catalog-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "recordings/db-private.h"
#include "recordings/manifest-keeper.h"
#include "recordings/migrate.h"
#include "recordings/recording.h"
#include "server/base/error.h"
#include "server/base/log.h"

#define FILE_NAME      "catalogue.db"
#define LOCK_NAME      "catalogue.lock"
#define BACKUP_PREFIX  "catalogue-" /* regular ones; only these are removed again */
#define MIGRATE_PREFIX "before-migration-"
#define TIME_FORMAT    "%Y%m%dT%H%M%S.%fZ"

char *mnb_catalog_file_path(MnbStore *store)
{
    return g_build_filename(mnb_store_folder(store, MNB_STORE_ROOT), FILE_NAME, NULL);
}

static char *time_name(void)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    return g_date_time_format(now, TIME_FORMAT);
}

int mnb_catalog_file_lock(MnbStore *store, GError **error)
{
    g_autofree char *path =
        g_build_filename(mnb_store_folder(store, MNB_STORE_RUN), LOCK_NAME, NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        mnb_error_from_errno(error, -errno, "%s", path);
        return -1;
    }
    char pid[32] = "";
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        int length = g_snprintf(pid, sizeof pid, "%d\n", (int)getpid());
        /* For people who look; nothing reads it but the message below. */
        if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)length, 0) < 0)
            MNB_LOG_WARNING("the lock file could not be written");
        return fd;
    }
    int code = errno;
    if (code == EWOULDBLOCK && pread(fd, pid, sizeof pid - 1, 0) >= 0)
        g_set_error(error, MNB_ERROR, MNB_ERROR_BUSY,
                    "%s is in use by another manabi (process %s); stop that one first",
                    mnb_store_folder(store, MNB_STORE_ROOT), g_strstrip(pid));
    else
        mnb_error_from_errno(error, -code, "%s", path);
    close(fd);
    return -1;
}

/* ---- opening ---- */

static MnbDb *open_checked(const char *path, GError **error)
{
    g_autoptr(MnbDb) db = mnb_db_open(path, MNB_DB_WRITER, error);
    if (db == NULL)
        return NULL;
    g_autofree char *answer = NULL;
    {
        g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, "PRAGMA quick_check(1)", error);
        if (stmt == NULL || mnb_stmt_step(stmt, error) < 0)
            return NULL;
        answer = mnb_stmt_dup_text(stmt, 0);
    }
    if (g_strcmp0(answer, "ok") == 0)
        return g_steal_pointer(&db);
    g_set_error(error, MNB_ERROR, MNB_ERROR_DAMAGED, "%s is damaged: %s", path, answer);
    return NULL;
}

static gboolean set_aside(const char *path, GError **error)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    g_autofree char *now = time_name();
    for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *from = g_strconcat(path, suffixes[i], NULL);
        g_autofree char *to = g_strconcat(path, ".damaged-", now, suffixes[i], NULL);
        if (g_rename(from, to) < 0 && errno != ENOENT)
            return mnb_error_from_errno(error, -errno, "%s", from);
    }
    MNB_LOG_WARNING("the catalogue was put aside", "file=%s.damaged-%s", path, now);
    return TRUE;
}

static gint64 time_of(const char *path)
{
    GStatBuf info;
    return g_stat(path, &info) == 0
               ? (gint64)info.st_mtim.tv_sec * 1000000000 + (gint64)info.st_mtim.tv_nsec
               : 0;
}

static int compare_newest(gconstpointer left, gconstpointer right)
{
    gint64 a = time_of(*(const char *const *)left);
    gint64 b = time_of(*(const char *const *)right);
    return a > b ? -1 : a < b;
}

/* Returns (owned): paths of backups whose names begin with @prefix, newest first. */
static GPtrArray *list_backups(MnbStore *store, const char *prefix)
{
    const char *folder = mnb_store_folder(store, MNB_STORE_BACKUPS);
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;)
        if (g_str_has_prefix(name, prefix) && g_str_has_suffix(name, ".db"))
            g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
    g_ptr_array_sort(paths, compare_newest);
    return paths;
}

static gboolean try_backup(const char *backup, const char *path, GError **error)
{
    g_autofree char *data = NULL;
    gsize size;
    if (!g_file_get_contents(backup, &data, &size, error) ||
        !mnb_store_write_file(path, data, size, error))
        return FALSE;
    g_autoptr(MnbDb) db = open_checked(path, error);
    if (db != NULL)
        return TRUE;
    g_unlink(path);
    return FALSE;
}

static void restore_newest(MnbStore *store, const char *path)
{
    g_autoptr(GPtrArray) backups = list_backups(store, "");
    for (guint i = 0; i < backups->len; i++) {
        g_autoptr(GError) error = NULL;
        if (try_backup(backups->pdata[i], path, &error)) {
            MNB_LOG_WARNING("the catalogue was restored from a backup: what changed after it is "
                            "known from manifests only",
                            "backup=%s", (const char *)backups->pdata[i]);
            return;
        }
        MNB_LOG_WARNING("a backup cannot be used", "backup=%s reason=%s",
                        (const char *)backups->pdata[i], error->message);
    }
    MNB_LOG_WARNING("there is no backup of the catalogue: a new one is made from manifests");
}

static gboolean has_lost_file(MnbStore *store, const char *path)
{
    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return FALSE;
    g_autoptr(GPtrArray) backups = list_backups(store, "");
    return backups->len > 0 || mnb_manifest_any(store);
}

MnbDb *mnb_catalog_file_open(MnbStore *store, MnbCatalogFlags flags, gboolean *was_restored,
                             GError **error)
{
    g_autofree char *path = mnb_catalog_file_path(store);
    g_autoptr(GError) local = NULL;
    *was_restored = FALSE;
    if ((flags & MNB_CATALOG_RESTORE) != 0 && has_lost_file(store, path)) {
        *was_restored = TRUE;
        restore_newest(store, path);
    }
    if ((flags & MNB_CATALOG_ANEW) != 0) {
        *was_restored = TRUE;
        if (!set_aside(path, error))
            return NULL;
    }
    g_autoptr(MnbDb) db = open_checked(path, &local);
    if (db == NULL && (flags & MNB_CATALOG_RESTORE) != 0 &&
        g_error_matches(local, MNB_ERROR, MNB_ERROR_DAMAGED)) {
        MNB_LOG_ERROR("the catalogue is damaged", "reason=%s", local->message);
        g_clear_error(&local);
        *was_restored = TRUE;
        if (!set_aside(path, error))
            return NULL;
        restore_newest(store, path);
        db = open_checked(path, &local);
    }
    if (db == NULL) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    g_autofree char *now = time_name();
    g_autofree char *backup = g_strdup_printf("%s/" MIGRATE_PREFIX "%s.db",
                                              mnb_store_folder(store, MNB_STORE_BACKUPS), now);
    return mnb_migrate_to_newest(db, backup, error) ? g_steal_pointer(&db) : NULL;
}

/* ---- backups ---- */

gint64 mnb_catalog_file_backup_age_us(MnbStore *store)
{
    g_autoptr(GPtrArray) backups = list_backups(store, BACKUP_PREFIX);
    return backups->len == 0 ? G_MAXINT64 : g_get_real_time() - time_of(backups->pdata[0]) / 1000;
}

static gboolean vacuum_into(const char *from, const char *to, GError **error)
{
    g_autoptr(MnbDb) db = mnb_db_open(from, MNB_DB_READER, error);
    if (db == NULL)
        return FALSE;
    /* Not the reader's own file is written, but query_only stands in the way all the same. */
    if (!mnb_db_exec(db, "PRAGMA query_only = OFF", error))
        return FALSE;
    /* From another process than the server's: only that one may checkpoint. */
    sqlite3_db_config(mnb_db_handle(db), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, "VACUUM INTO ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, to);
    mnb_db_make_private(to);
    return mnb_stmt_run(stmt, error);
}

gboolean mnb_catalog_file_back_up(MnbStore *store, GError **error)
{
    g_autofree char *path = mnb_catalog_file_path(store);
    g_autofree char *now = time_name();
    g_autofree char *final = g_strdup_printf("%s/" BACKUP_PREFIX "%s.db",
                                             mnb_store_folder(store, MNB_STORE_BACKUPS), now);
    g_autofree char *temporary = g_strconcat(final, ".part", NULL);
    GStatBuf info;
    gint64 size = g_stat(path, &info) == 0 ? (gint64)info.st_size : 0;
    if (!mnb_store_check_space(store, size, error))
        return FALSE;
    if (!vacuum_into(path, temporary, error) || !mnb_store_publish(temporary, final, error)) {
        g_unlink(temporary);
        return FALSE;
    }
    g_autoptr(GPtrArray) backups = list_backups(store, BACKUP_PREFIX);
    for (guint i = MNB_CATALOG_BACKUPS_KEPT; i < backups->len; i++)
        g_unlink(backups->pdata[i]);
    return TRUE;
}

gboolean mnb_catalog_file_copy(const char *from, const char *to, GError **error)
{
    g_autofree char *temporary = g_strconcat(to, ".part", NULL);
    g_unlink(temporary);
    if (vacuum_into(from, temporary, error) && mnb_store_publish(temporary, to, error))
        return TRUE;
    g_unlink(temporary);
    return FALSE;
}

/* ---- from manifests alone ---- */

/* The newest one that was put aside. */
static char *find_aside(MnbStore *store)
{
    g_autofree char *path = mnb_catalog_file_path(store);
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *prefix = g_strconcat(base, ".damaged-", NULL);
    const char *folder = mnb_store_folder(store, MNB_STORE_ROOT);
    g_autofree char *newest = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        if (!g_str_has_prefix(name, prefix) || g_str_has_suffix(name, "-wal") ||
            g_str_has_suffix(name, "-shm") || g_strcmp0(name, newest) <= 0)
            continue;
        g_free(newest);
        newest = g_strdup(name);
    }
    return newest != NULL ? g_build_filename(folder, newest, NULL) : NULL;
}

static gboolean is_relaxed(const MnbRecording *now, const char *audience, const char *state)
{
    MnbAudience before;
    return !mnb_audience_parse(audience, &before) || now->audience < before ||
           (g_strcmp0(state, "withdrawn") == 0 && now->state != MNB_RECORDING_WITHDRAWN);
}

/* What cannot be read of the one before is passed over: it may be damaged. */
static void compare(MnbCatalog *catalog, MnbRebuild *result)
{
    g_autoptr(MnbDb) before = mnb_db_open(result->aside, MNB_DB_READER, NULL);
    g_autoptr(MnbStmt) stmt =
        before != NULL ? mnb_db_prepare(before, "SELECT id, audience, state FROM recording", NULL)
                       : NULL;
    while (stmt != NULL && mnb_stmt_step(stmt, NULL) > 0) {
        g_autoptr(MnbRecording) now =
            mnb_recording_find(mnb_catalog_reader(catalog), mnb_stmt_text(stmt, 0), NULL);
        result->known++;
        if (now == NULL)
            continue;
        result->back++;
        if (is_relaxed(now, mnb_stmt_text(stmt, 1), mnb_stmt_text(stmt, 2)))
            result->relaxed++;
    }
}

gboolean mnb_catalog_file_rebuild(MnbStore *store, MnbRebuild *result, GError **error)
{
    g_autofree char *path = mnb_catalog_file_path(store);
    gboolean had_one = g_file_test(path, G_FILE_TEST_EXISTS);
    if (had_one) {
        g_autoptr(GError) cause = NULL;
        MnbCatalog *before = mnb_catalog_open(store, MNB_CATALOG_NO_FLAGS, &cause);
        if (before != NULL)
            mnb_catalog_close(before); /* its manifests are written */
        if (g_error_matches(cause, MNB_ERROR, MNB_ERROR_BUSY)) {
            g_propagate_error(error, g_steal_pointer(&cause));
            return FALSE;
        }
    }
    g_autoptr(MnbCatalog) catalog = mnb_catalog_open(store, MNB_CATALOG_ANEW, error);
    if (catalog == NULL)
        return FALSE;
    result->aside = had_one ? find_aside(store) : NULL;
    g_autoptr(MnbStmt) count =
        mnb_db_prepare(mnb_catalog_reader(catalog), "SELECT count(*) FROM recording", error);
    if (count == NULL || mnb_stmt_step(count, error) < 0)
        return FALSE;
    result->restored = (guint)mnb_stmt_int(count, 0);
    mnb_db_done(g_steal_pointer(&count));
    if (result->aside != NULL)
        compare(catalog, result);
    return TRUE;
}
