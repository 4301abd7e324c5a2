#include "recordings/catalog.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recordings/audit.h"
#include "recordings/manifest.h"
#include "recordings/migrate.h"
#include "recordings/moment.h"
#include "recordings/session-log.h"
#include "recordings/taxonomy.h"
#include "server/base/error.h"
#include "tests/unit/recordings/fixture.h"

/* ---- migrations ---- */

static gint64 version_of(MnbDb *db)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, "PRAGMA user_version", NULL);
    g_assert_cmpint(mnb_stmt_step(stmt, NULL), ==, 1);
    return mnb_stmt_int(stmt, 0);
}

static void test_migrates(void)
{
    static const MnbMigration list[] = {
        {1, "CREATE TABLE a(x INTEGER) STRICT; INSERT INTO a VALUES (1);"},
        {2, "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = 2;"},
        {3, "CREATE TABLE b(z INTEGER) STRICT; INSERT INTO b VALUES (1); INSERT INTO nowhere(q)"
            " VALUES (1);"},
    };
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autofree char *path = g_build_filename(fixture.dir, "old.db", NULL);
    g_autofree char *backup = g_build_filename(fixture.dir, "backup.db", NULL);
    MnbDb *db = mnb_db_open(path, MNB_DB_WRITER, &error);
    g_assert_true(mnb_migrate(db, list, 1, backup, &error));
    g_assert_false(g_file_test(backup, G_FILE_TEST_EXISTS)); /* nothing to lose yet */
    g_assert_true(mnb_migrate(db, list, 2, backup, &error));
    g_assert_no_error(error);
    g_assert_cmpint(version_of(db), ==, 2);
    MnbDb *copy = mnb_db_open(backup, MNB_DB_READER, &error);
    g_assert_no_error(error);
    g_assert_cmpint(version_of(copy), ==, 1);
    mnb_db_close(copy);
    /* A migration that fails leaves nothing of itself. */
    g_assert_false(mnb_migrate(db, list, 3, NULL, &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_assert_cmpint(version_of(db), ==, 2);
    g_assert_null(mnb_db_prepare(db, "SELECT * FROM b", NULL));
    /* A newer file is refused. */
    g_assert_false(mnb_migrate(db, list, 1, NULL, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_CONFLICT);
    mnb_db_close(db);
    fixture_close(&fixture);
}

static void test_idempotent(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    int before = sqlite3_total_changes(mnb_db_handle(fixture.db));
    g_assert_true(mnb_migrate_to_newest(fixture.db, NULL, &error));
    g_assert_true(mnb_taxonomy_seed(fixture.db, &error));
    g_assert_no_error(error);
    g_assert_cmpint(sqlite3_total_changes(mnb_db_handle(fixture.db)), ==, before);
    fixture_close(&fixture);
}

/* ---- writing ---- */

typedef struct {
    GMainLoop *loop;
    GString *order; /* a letter for each done(), "!" before it if it failed */
    guint left;
} Answers;

typedef struct {
    char letter;
    const char *actor; /* NULL: fails */
} Write;

static gboolean append_audit(MnbDb *db, gpointer data, GError **error)
{
    const Write *write = data;
    if (!mnb_audit_append(db, NOW_US, "system", "test", "object", NULL, error))
        return FALSE;
    if (write->actor != NULL)
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT, "as asked for");
    return FALSE;
}

static void on_done(const GError *error, gpointer data, gpointer user_data)
{
    const Write *write = data;
    Answers *answers = user_data;
    g_string_append_printf(answers->order, "%s%c", error != NULL ? "!" : "", write->letter);
    if (--answers->left == 0)
        g_main_loop_quit(answers->loop);
}

static gint64 count_audit(MnbDb *db)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, "SELECT count(*) FROM audit", NULL);
    g_assert_cmpint(mnb_stmt_step(stmt, NULL), ==, 1);
    return mnb_stmt_int(stmt, 0);
}

static void push(Fixture *fixture, Answers *answers, Write write)
{
    answers->left++;
    mnb_catalog_write(fixture->catalog, append_audit, g_memdup2(&write, sizeof write), g_free,
                      on_done, answers);
}

static void test_batch(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_catalog(&fixture);
    Answers answers = {g_main_loop_new(NULL, FALSE), g_string_new(NULL), 0};
    push(&fixture, &answers, (Write){'a', "x"});
    push(&fixture, &answers, (Write){'b', NULL});
    push(&fixture, &answers, (Write){'c', "x"});
    push(&fixture, &answers, (Write){'d', NULL});
    push(&fixture, &answers, (Write){'e', "x"});
    g_assert_cmpstr(answers.order->str, ==, ""); /* never from inside the call */
    g_main_loop_run(answers.loop);
    g_assert_cmpstr(answers.order->str, ==, "a!bc!de");
    g_assert_cmpint(count_audit(mnb_catalog_reader(fixture.catalog)), ==, 3);
    gint64 bad;
    g_assert_true(mnb_audit_verify(mnb_catalog_reader(fixture.catalog), &bad, &error));
    g_assert_cmpint(bad, ==, 0);
    MnbCatalogStats stats;
    mnb_catalog_get_stats(fixture.catalog, &stats);
    g_assert_cmpint(stats.failures, ==, 2);
    g_assert_cmpint(stats.waiting, ==, 0);
    g_main_loop_unref(answers.loop);
    g_string_free(answers.order, TRUE);
    fixture_close(&fixture);
}

static void test_many_share_commits(void)
{
    Fixture fixture;
    fixture_open_catalog(&fixture);
    Answers answers = {g_main_loop_new(NULL, FALSE), g_string_new(NULL), 0};
    MnbCatalogStats before;
    MnbCatalogStats after;
    mnb_catalog_get_stats(fixture.catalog, &before);
    for (int i = 0; i < 1000; i++)
        push(&fixture, &answers, (Write){'x', "x"});
    g_main_loop_run(answers.loop);
    mnb_catalog_get_stats(fixture.catalog, &after);
    g_assert_cmpint(count_audit(mnb_catalog_reader(fixture.catalog)), ==, 1000);
    g_assert_cmpint(after.writes - before.writes, >=, 1000);
    g_assert_cmpint(after.commits - before.commits, <, 500);
    g_main_loop_unref(answers.loop);
    g_string_free(answers.order, TRUE);
    fixture_close(&fixture);
}

static void test_close_answers(void)
{
    Fixture fixture;
    fixture_open_catalog(&fixture);
    Answers answers = {NULL, g_string_new(NULL), 100};
    push(&fixture, &answers, (Write){'a', "x"});
    push(&fixture, &answers, (Write){'b', "x"});
    mnb_catalog_close(g_steal_pointer(&fixture.catalog));
    g_assert_cmpstr(answers.order->str, ==, "ab");
    g_string_free(answers.order, TRUE);
    fixture_close(&fixture);
}

static gboolean fill_disk(MnbDb *db, gpointer data, GError **error)
{
    return mnb_db_exec(db, "PRAGMA max_page_count = 1", error);
}

static gboolean free_disk(MnbDb *db, gpointer data, GError **error)
{
    return mnb_db_exec(db, "PRAGMA max_page_count = 1000000", error);
}

static gboolean write_much(MnbDb *db, gpointer data, GError **error)
{
    g_autofree char *text = g_strnfill(12000, 'x');
    g_autofree char *detail = g_strdup_printf("{\"text\":\"%s\"}", text);
    for (int i = 0; i < 20; i++)
        if (!mnb_audit_append(db, NOW_US, "system", "test", "object", detail, error))
            return FALSE;
    return TRUE;
}

static void test_full(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_catalog(&fixture);
    g_assert_false(mnb_catalog_is_full(fixture.catalog));
    g_assert_true(mnb_catalog_write_sync(fixture.catalog, fill_disk, NULL, &error));
    g_assert_false(mnb_catalog_write_sync(fixture.catalog, write_much, NULL, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_STORAGE_FULL);
    g_clear_error(&error);
    g_assert_true(mnb_catalog_is_full(fixture.catalog));
    g_assert_cmpint(count_audit(mnb_catalog_reader(fixture.catalog)), ==, 0);
    g_assert_true(mnb_catalog_write_sync(fixture.catalog, free_disk, NULL, &error));
    g_assert_true(mnb_catalog_write_sync(fixture.catalog, write_much, NULL, &error));
    g_assert_no_error(error);
    g_assert_cmpint(count_audit(mnb_catalog_reader(fixture.catalog)), ==, 20);
    fixture_close(&fixture);
}

/* ---- a real small disk ---- */

static gboolean write_a_little(MnbDb *db, gpointer data, GError **error)
{
    return mnb_audit_append(db, NOW_US, "system", "test", "object", NULL, error);
}

/* Fills what is left with one file of zeros. Returns its path (owned). */
static char *fill_up(const char *dir)
{
    char *path = g_build_filename(dir, "filler", NULL);
    static char zeros[65536];
    int fd = g_open(path, O_WRONLY | O_CREAT, 0600);
    g_assert_cmpint(fd, >=, 0);
    for (gsize size = sizeof zeros; size >= 512; size /= 2)
        while (write(fd, zeros, size) > 0)
            ;
    close(fd);
    return path;
}

static void test_full_disk(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = g_dir_make_tmp("manabi-disk-XXXXXX", &error);
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", dir, "tmpfs", 0, "size=32m,mode=0700") < 0) {
        g_rmdir(dir);
        g_test_skip("may not mount a small file system here");
        return;
    }
    g_autoptr(MnbStore) store = mnb_store_new(dir, &error);
    g_autoptr(MnbCatalog) catalog = mnb_catalog_open(store, MNB_CATALOG_NO_FLAGS, &error);
    g_assert_no_error(error);
    g_assert_false(mnb_catalog_is_full(catalog));
    g_autofree char *filler = fill_up(dir);
    /* The reserve lets the catalogue go on. */
    int written = 0;
    for (; written < 200; written++)
        if (!mnb_catalog_write_sync(catalog, write_a_little, NULL, &error))
            break;
    g_assert_no_error(error);
    g_assert_cmpint(written, ==, 200);
    g_assert_true(mnb_catalog_write_sync(catalog, write_much, NULL, &error));
    g_assert_true(mnb_catalog_is_full(catalog));
    /* When that is used up too it says so, and nothing of the write is there. */
    g_free(fill_up(mnb_store_folder(store, MNB_STORE_RUN)));
    gint64 before = count_audit(mnb_catalog_reader(catalog));
    while (mnb_catalog_write_sync(catalog, write_much, NULL, &error))
        before = count_audit(mnb_catalog_reader(catalog));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_STORAGE_FULL);
    g_clear_error(&error);
    g_assert_cmpint(count_audit(mnb_catalog_reader(catalog)), ==, before);
    g_assert_cmpint(g_unlink(filler), ==, 0);
    g_assert_true(mnb_catalog_write_sync(catalog, write_much, NULL, &error));
    g_assert_no_error(error);
    gint64 bad;
    g_assert_true(mnb_audit_verify(mnb_catalog_reader(catalog), &bad, &error));
    g_assert_cmpint(bad, ==, 0);
    g_clear_pointer(&catalog, mnb_catalog_close);
    g_assert_cmpint(umount2(dir, MNT_DETACH), ==, 0);
    g_rmdir(dir);
}

static void test_second_process(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_catalog(&fixture);
    g_assert_null(mnb_catalog_open(fixture.store, MNB_CATALOG_NO_FLAGS, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_BUSY);
    g_assert_nonnull(strstr(error->message, "in use by another manabi"));
    fixture_close(&fixture);
}

static gboolean change_nothing(MnbDb *db, gpointer data, GError **error)
{
    return mnb_db_exec(db, "DELETE FROM area", error);
}

static void test_reader_cannot_write(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_catalog(&fixture);
    g_assert_false(change_nothing(mnb_catalog_reader(fixture.catalog), NULL, &error));
    g_assert_nonnull(error);
    fixture_close(&fixture);
}

/* ---- kill -9 ---- */

#define EVENTS_MAX 20000

typedef struct {
    char session[27];
    gint64 seq;
} LogWrite;

static gboolean make_session(MnbDb *db, gpointer data, GError **error)
{
    LogWrite *write = data;
    g_autoptr(MnbEvent) event = fixture_event(db, "Session", "");
    g_strlcpy(write->session, event->session, sizeof write->session);
    return TRUE;
}

static gboolean append_log(MnbDb *db, gpointer data, GError **error)
{
    const LogWrite *write = data;
    MnbLogEntry entry = {write->seq, NOW_US, "chat", NULL, "{\"text\":\"confirmed\"}"};
    return mnb_session_log_append(db, write->session, &entry, 1, error);
}

/* Child: appends and, after each commit, tells its parent the number that is safe. */
static void write_until_killed(const char *dir, int out)
{
    MnbStore *store = mnb_store_new(dir, NULL);
    MnbCatalog *catalog = mnb_catalog_open(store, MNB_CATALOG_NO_FLAGS, NULL);
    LogWrite write_data = {.seq = 1};
    if (catalog == NULL || !mnb_catalog_write_sync(catalog, make_session, &write_data, NULL) ||
        write(out, write_data.session, 26) != 26)
        _exit(1);
    for (; write_data.seq < EVENTS_MAX; write_data.seq++) {
        if (!mnb_catalog_write_sync(catalog, append_log, &write_data, NULL) ||
            write(out, &write_data.seq, sizeof write_data.seq) != sizeof write_data.seq)
            _exit(1);
    }
    _exit(0);
}

static gboolean count_entry(const MnbLogEntry *entry, gpointer data, GError **error)
{
    gint64 *last = data;
    g_assert_cmpint(entry->seq, ==, *last + 1);
    *last = entry->seq;
    return TRUE;
}

static void kill_in_the_middle(int confirmed_max)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = g_dir_make_tmp("manabi-kill-XXXXXX", NULL);
    int fds[2];
    g_assert_cmpint(pipe(fds), ==, 0);
    pid_t pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        close(fds[0]);
        write_until_killed(dir, fds[1]);
    }
    close(fds[1]);
    char session[27] = {0};
    gint64 confirmed = 0;
    gint64 seq;
    g_assert_cmpint(read(fds[0], session, 26), ==, 26);
    while (confirmed < confirmed_max && read(fds[0], &seq, sizeof seq) == sizeof seq)
        confirmed = seq;
    kill(pid, SIGKILL);
    int status;
    waitpid(pid, &status, 0);
    g_assert_true(WIFSIGNALED(status));
    while (read(fds[0], &seq, sizeof seq) == sizeof seq)
        confirmed = seq;
    close(fds[0]);
    g_autoptr(MnbStore) store = mnb_store_new(dir, &error);
    g_autoptr(MnbCatalog) catalog = mnb_catalog_open(store, MNB_CATALOG_NO_FLAGS, &error);
    g_assert_no_error(error);
    gint64 last = 0;
    g_assert_true(
        mnb_session_log_read(mnb_catalog_reader(catalog), session, 0, count_entry, &last, &error));
    g_assert_no_error(error);
    g_assert_cmpint(last, >=, confirmed);
    g_assert_cmpint(last, <=, confirmed + 1);
    g_clear_pointer(&catalog, mnb_catalog_close);
    fixture_remove_tree(dir);
}

static void test_kill(void)
{
    kill_in_the_middle(1);
    kill_in_the_middle(7);
    kill_in_the_middle(150);
}

/* ---- manifests, damage, backups ---- */

static void free_moment(gpointer data)
{
    mnb_moment_free(data);
}

/* Captions that a person brought, chat, slides, and a visit where not all were asked. */
static gboolean insert_extras(MnbDb *db, const char *recording, GError **error)
{
    MnbVisit visit = {(char *)"Levee", (char *)"堤防", (char *)"2026-11-24", (char *)"unclear",
                      (char *)"Rivers"};
    for (MnbMomentKind kind = MNB_MOMENT_CAPTION; kind <= MNB_MOMENT_SLIDE; kind++) {
        g_autoptr(GPtrArray) moments = g_ptr_array_new_with_free_func(free_moment);
        for (int i = 0; i < 3; i++) {
            MnbMoment *moment = g_new0(MnbMoment, 1);
            moment->kind = kind;
            moment->language = g_strdup(kind == MNB_MOMENT_CAPTION ? "ja" : "");
            moment->at_us = i * 1000000;
            moment->end_us = moment->at_us + 500000;
            moment->who = g_strdup("Aya \"A\"");
            moment->text = g_strdup_printf("防災 %s %d", mnb_moment_kind_to_string(kind), i);
            g_ptr_array_add(moments, moment);
        }
        gboolean ok =
            kind == MNB_MOMENT_CAPTION
                ? mnb_caption_track_put(db, recording, "ja", moments, 0, NOW_US, NULL, error)
                : mnb_moment_replace(db, recording, kind, NULL, moments, error);
        if (!ok)
            return FALSE;
    }
    return mnb_visit_put(db, recording, &visit, error);
}

static gboolean insert_recording(MnbDb *db, gpointer data, GError **error)
{
    MnbRecording *recording = data;
    MnbRendition rendition = {
        (char *)"master", MNB_RENDITION_HLS, (char *)"media/master.m3u8", 1280, 720, 2500000, 1000};
    return mnb_recording_insert(db, recording, NOW_US, error) &&
           mnb_part_begin(db, recording->id, NOW_US, error) == 1 &&
           mnb_part_set(db, recording->id, 1, MNB_PART_CLOSED, NOW_US + 5, "{\"lost_ms\":3}",
                        error) &&
           mnb_rendition_put(db, recording->id, &rendition, error) &&
           insert_extras(db, recording->id, error) &&
           mnb_recording_set_state(db, recording->id, MNB_RECORDING_PUBLISHED, NOW_US + 9, error);
}

static char *insert(Fixture *fixture, const char *title, MnbAudience audience)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbRecording) recording = fixture_recording(title, "防災");
    recording->audience = audience;
    mnb_catalog_write_sync(fixture->catalog, insert_recording, recording, &error);
    g_assert_no_error(error);
    return g_strdup(recording->id);
}

static void reopen(Fixture *fixture, MnbCatalogFlags flags)
{
    g_autoptr(GError) error = NULL;
    fixture->catalog = mnb_catalog_open(fixture->store, flags, &error);
    g_assert_no_error(error);
}

static void assert_restored(MnbDb *db, const char *id, MnbAudience audience)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, id, &error);
    g_assert_no_error(error);
    g_assert_cmpint(recording->audience, ==, audience);
    g_assert_cmpint(recording->state, ==, MNB_RECORDING_PUBLISHED);
    g_assert_cmpint(recording->published_us, ==, NOW_US + 9);
    g_assert_cmpstr(recording->title_ja, ==, "防災");
    g_autoptr(GPtrArray) parts = mnb_part_list(db, id, &error);
    g_assert_cmpint(parts->len, ==, 1);
    g_assert_cmpstr(((MnbPart *)parts->pdata[0])->note, ==, "{\"lost_ms\":3}");
    g_autoptr(GPtrArray) renditions = mnb_rendition_list(db, id, &error);
    g_assert_cmpint(renditions->len, ==, 1);
    for (MnbMomentKind kind = MNB_MOMENT_CAPTION; kind <= MNB_MOMENT_SLIDE; kind++) {
        g_autofree char *wanted = g_strdup_printf("防災 %s 2", mnb_moment_kind_to_string(kind));
        g_autoptr(GPtrArray) moments = mnb_moment_list(db, id, kind, NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(moments->len, ==, 3);
        const MnbMoment *last = moments->pdata[2];
        g_assert_cmpstr(last->text, ==, wanted);
        g_assert_cmpstr(last->who, ==, "Aya \"A\"");
        g_assert_cmpint(last->end_us, ==, 2500000);
    }
    g_assert_cmpint(mnb_caption_track_revision(db, id, "ja", &error), ==, 1);
    g_autoptr(MnbVisit) visit = mnb_visit_find(db, id, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(visit->people, ==, "unclear");
    g_assert_cmpstr(visit->place_ja, ==, "堤防");
    g_assert_cmpstr(visit->visited_on, ==, "2026-11-24");
}

static char *file_path(Fixture *fixture, const char *name)
{
    return g_build_filename(fixture->dir, name, NULL);
}

static void remove_catalogue(Fixture *fixture)
{
    static const char *const names[] = {"catalogue.db", "catalogue.db-wal", "catalogue.db-shm"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = file_path(fixture, names[i]);
        g_unlink(path);
    }
}

static void test_rebuild(void)
{
    Fixture fixture;
    fixture_open_catalog(&fixture);
    g_autofree char *open_id = insert(&fixture, "For all", MNB_AUDIENCE_PUBLIC);
    g_autofree char *staff_id = insert(&fixture, "For staff", MNB_AUDIENCE_STAFF);
    mnb_catalog_close(g_steal_pointer(&fixture.catalog)); /* closing writes what is due */
    remove_catalogue(&fixture);
    g_autofree char *broken = file_path(&fixture, "recordings/broken/tracks");
    g_assert_cmpint(g_mkdir_with_parents(broken, 0700), ==, 0);
    g_autofree char *manifest = file_path(&fixture, "recordings/broken/manifest.json");
    g_assert_true(g_file_set_contents(manifest, "{\"id\":", -1, NULL));
    reopen(&fixture, MNB_CATALOG_RESTORE);
    MnbDb *db = mnb_catalog_reader(fixture.catalog);
    assert_restored(db, open_id, MNB_AUDIENCE_PUBLIC);
    assert_restored(db, staff_id, MNB_AUDIENCE_STAFF);
    guint n = 99;
    g_assert_true(mnb_catalog_rebuild(fixture.catalog, &n, NULL));
    g_assert_cmpint(n, ==, 0);
    fixture_close(&fixture);
}

static void damage(Fixture *fixture)
{
    g_autofree char *path = file_path(fixture, "catalogue.db");
    char zeros[8192] = {0};
    int fd = g_open(path, O_WRONLY, 0);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(pwrite(fd, zeros, sizeof zeros, 0), ==, sizeof zeros);
    close(fd);
}

static void wait_for_backup(Fixture *fixture)
{
    mnb_catalog_backup(fixture->catalog);
    mnb_catalog_close(g_steal_pointer(&fixture->catalog)); /* waits for it */
}

static void remove_backups(Fixture *fixture)
{
    const char *folder = mnb_store_folder(fixture->store, MNB_STORE_BACKUPS);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
}

static void test_damage(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_catalog(&fixture);
    g_autofree char *before = insert(&fixture, "Before the backup", MNB_AUDIENCE_PUBLIC);
    wait_for_backup(&fixture);
    reopen(&fixture, MNB_CATALOG_NO_FLAGS);
    g_autofree char *after = insert(&fixture, "After the backup", MNB_AUDIENCE_STAFF);
    mnb_catalog_close(g_steal_pointer(&fixture.catalog));
    damage(&fixture);
    g_assert_null(mnb_catalog_open(fixture.store, MNB_CATALOG_NO_FLAGS, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_DAMAGED);
    reopen(&fixture, MNB_CATALOG_RESTORE);
    MnbDb *db = mnb_catalog_reader(fixture.catalog);
    assert_restored(db, before, MNB_AUDIENCE_PUBLIC);
    assert_restored(db, after, MNB_AUDIENCE_STAFF);
    fixture_close(&fixture);
}

static void copy_file(const char *from, const char *to)
{
    g_autofree char *data = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(from, &data, &size, NULL));
    g_assert_true(g_file_set_contents(to, data, (gssize)size, NULL));
}

static void zero_page(const char *path, gsize page)
{
    char zeros[4096] = {0};
    int fd = g_open(path, O_WRONLY, 0);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(pwrite(fd, zeros, sizeof zeros, (off_t)(page * sizeof zeros)), ==, 4096);
    close(fd);
}

/* Whichever page the disk loses: the recordings are listed again, with their audience. */
static void test_every_page(void)
{
    Fixture fixture;
    fixture_open_catalog(&fixture);
    g_autofree char *open_id = insert(&fixture, "For all", MNB_AUDIENCE_PUBLIC);
    g_autofree char *staff_id = insert(&fixture, "For staff", MNB_AUDIENCE_STAFF);
    mnb_catalog_close(g_steal_pointer(&fixture.catalog));
    g_autofree char *path = file_path(&fixture, "catalogue.db");
    g_autofree char *good = file_path(&fixture, "good");
    copy_file(path, good);
    GStatBuf info;
    g_assert_cmpint(g_stat(good, &info), ==, 0);
    gsize n_pages = (gsize)info.st_size / 4096;
    g_assert_cmpint(n_pages, >, 30);
    for (gsize page = 0; page < n_pages; page++) {
        remove_catalogue(&fixture);
        remove_backups(&fixture); /* every other page would be found in the one of the last round */
        copy_file(good, path);
        zero_page(path, page);
        reopen(&fixture, MNB_CATALOG_RESTORE);
        assert_restored(mnb_catalog_reader(fixture.catalog), open_id, MNB_AUDIENCE_PUBLIC);
        assert_restored(mnb_catalog_reader(fixture.catalog), staff_id, MNB_AUDIENCE_STAFF);
        mnb_catalog_close(g_steal_pointer(&fixture.catalog));
    }
    fixture_close(&fixture);
}

static gboolean withdraw(MnbDb *db, gpointer data, GError **error)
{
    return mnb_recording_set_state(db, data, MNB_RECORDING_WITHDRAWN, NOW_US + 20, error);
}

/* What was withdrawn after the backup stays withdrawn. */
static void test_no_flag_relaxed(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_catalog(&fixture);
    g_autofree char *id = insert(&fixture, "Withdrawn later", MNB_AUDIENCE_PUBLIC);
    wait_for_backup(&fixture);
    reopen(&fixture, MNB_CATALOG_NO_FLAGS);
    g_assert_true(mnb_catalog_write_sync(fixture.catalog, withdraw, id, &error));
    mnb_catalog_close(g_steal_pointer(&fixture.catalog));
    damage(&fixture);
    reopen(&fixture, MNB_CATALOG_RESTORE);
    g_autoptr(MnbRecording) recording =
        mnb_recording_find(mnb_catalog_reader(fixture.catalog), id, &error);
    g_assert_no_error(error);
    g_assert_cmpint(recording->state, ==, MNB_RECORDING_WITHDRAWN);
    fixture_close(&fixture);
}

static guint count_backups(Fixture *fixture)
{
    g_autoptr(GDir) dir = g_dir_open(mnb_store_folder(fixture->store, MNB_STORE_BACKUPS), 0, NULL);
    guint n = 0;
    while (g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

static void test_backups(void)
{
    Fixture fixture;
    fixture_open_catalog(&fixture);
    for (int i = 0; i < MNB_CATALOG_BACKUPS_KEPT + 2; i++) {
        wait_for_backup(&fixture);
        reopen(&fixture, MNB_CATALOG_NO_FLAGS);
    }
    g_assert_cmpint(count_backups(&fixture), ==, MNB_CATALOG_BACKUPS_KEPT);
    fixture_close(&fixture);
}

/* A start makes one when the newest is too old, but not of a catalogue that is new itself. */
static void test_backup_at_start(void)
{
    Fixture fixture;
    fixture_open_catalog(&fixture);
    mnb_catalog_close(g_steal_pointer(&fixture.catalog));
    g_assert_cmpint(count_backups(&fixture), ==, 0);
    for (int i = 0; i < 3; i++) {
        reopen(&fixture, MNB_CATALOG_NO_FLAGS);
        mnb_catalog_close(g_steal_pointer(&fixture.catalog));
        g_assert_cmpint(count_backups(&fixture), ==, 1);
    }
    fixture_close(&fixture);
}

/* Nobody else on the machine reads it. */
static void test_modes(void)
{
    static const char *const names[] = {"catalogue.db", "catalogue.db-wal", "catalogue.db-shm"};
    Fixture fixture;
    fixture_open_catalog(&fixture);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = file_path(&fixture, names[i]);
        GStatBuf info;
        g_assert_cmpint(g_stat(path, &info), ==, 0);
        g_assert_cmpint(info.st_mode & 0777, ==, 0600);
    }
    fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recordings/catalog/migrates-in-steps-after-a-backup", test_migrates);
    g_test_add_func("/recordings/catalog/starts-again-without-changing-anything", test_idempotent);
    g_test_add_func("/recordings/catalog/undoes-only-the-write-that-failed", test_batch);
    g_test_add_func("/recordings/catalog/commits-many-writes-together", test_many_share_commits);
    g_test_add_func("/recordings/catalog/answers-all-writes-when-closing", test_close_answers);
    g_test_add_func("/recordings/catalog/says-that-the-disk-is-full-and-goes-on-after", test_full);
    g_test_add_func("/recordings/catalog/refuses-a-second-process", test_second_process);
    g_test_add_func("/recordings/catalog/lets-the-reader-only-read", test_reader_cannot_write);
    g_test_add_func("/recordings/catalog/loses-nothing-confirmed-to-kill-9", test_kill);
    g_test_add_func("/recordings/catalog/is-rebuilt-from-manifests", test_rebuild);
    g_test_add_func("/recordings/catalog/restores-a-damaged-file", test_damage);
    g_test_add_func("/recordings/catalog/restores-whichever-page-is-lost", test_every_page);
    g_test_add_func("/recordings/catalog/restores-without-relaxing-privacy", test_no_flag_relaxed);
    g_test_add_func("/recordings/catalog/keeps-the-newest-backups", test_backups);
    g_test_add_func("/recordings/catalog/backs-up-at-a-start-after-long", test_backup_at_start);
    g_test_add_func("/recordings/catalog/is-readable-for-its-owner-only", test_modes);
    /* Last: it changes what this process sees mounted. */
    g_test_add_func("/recordings/catalog/goes-on-on-its-reserve-when-the-disk-is-full",
                    test_full_disk);
    return g_test_run();
}
