/* The state directory and the manifests in it. */
#include "recordings/store.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "recordings/manifest.h"
#include "server/base/error.h"
#include "tests/unit/recordings/fixture.h"

static void test_layout(void)
{
    static const char *const names[] = {"backups", "recordings", "uploads", "run", "nginx", "logs"};
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = g_dir_make_tmp("manabi-test-XXXXXX", &error);
    g_autofree char *state = g_build_filename(dir, "a", "b", NULL);
    g_autoptr(MnbStore) store = mnb_store_new(state, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(state, names[i], NULL);
        GStatBuf info;
        g_assert_cmpint(g_stat(path, &info), ==, 0);
        g_assert_cmpint(info.st_mode & 0777, ==, 0700);
    }
    g_assert_true(g_str_has_suffix(mnb_store_folder(store, MNB_STORE_RUN), "/a/b/run"));
    g_autofree char *file = g_build_filename(dir, "file", NULL);
    g_assert_true(g_file_set_contents(file, "x", 1, NULL));
    g_assert_null(mnb_store_new(file, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_STORAGE);
    g_assert_nonnull(strstr(error->message, file));
    fixture_remove_tree(dir);
}

static void test_paths(void)
{
    static const char *const bad[] = {"",     ".",  "..",   "../x", "a/../b", "/etc/passwd",
                                      "a//b", "a/", "a\\b", "a\nb", "a/.",    "media/../../x"};
    Fixture fixture;
    fixture_open_db(&fixture);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(mnb_store_recording_path(fixture.store, "folder", bad[i], &error));
        g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
        g_assert_null(mnb_store_recording_path(fixture.store, bad[i], "media/x", NULL));
        g_assert_false(mnb_store_remove_recording(fixture.store, bad[i], NULL));
    }
    g_autofree char *path =
        mnb_store_recording_path(fixture.store, "folder", "media/..a/master.m3u8", NULL);
    g_autofree char *expected =
        g_build_filename(fixture.dir, "recordings/folder/media/..a/master.m3u8", NULL);
    g_assert_cmpstr(path, ==, expected);
    fixture_close(&fixture);
}

static void assert_content(const char *path, const char *expected)
{
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, expected);
}

static guint count_files(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    guint n = 0;
    while (g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

static void test_files(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_assert_true(mnb_store_create_recording(fixture.store, "rec", &error));
    g_assert_true(mnb_store_create_recording(fixture.store, "rec", &error));
    g_autofree char *folder = mnb_store_recording_path(fixture.store, "rec", NULL, &error);
    g_autofree char *path = mnb_store_recording_path(fixture.store, "rec", "manifest.json", &error);
    g_assert_true(mnb_store_write_file(path, "one", 3, &error));
    g_assert_true(mnb_store_write_file(path, "two!", 4, &error));
    assert_content(path, "two!");
    g_assert_cmpint(count_files(folder), ==, 3); /* tracks, media, the file; no temporary */
    g_autofree char *nowhere = g_build_filename(fixture.dir, "none", "x", NULL);
    g_assert_false(mnb_store_write_file(nowhere, "x", 1, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    g_clear_error(&error);
    /* A tree appears at once. */
    g_autofree char *work = g_build_filename(folder, "media.new", "720p", NULL);
    g_assert_cmpint(g_mkdir_with_parents(work, 0700), ==, 0);
    g_autofree char *segment = g_build_filename(work, "1.m4s", NULL);
    g_assert_true(g_file_set_contents(segment, "segment", -1, NULL));
    g_autofree char *from = g_build_filename(folder, "media.new", NULL);
    g_autofree char *to = g_build_filename(folder, "media.1", NULL);
    g_assert_true(mnb_store_publish(from, to, &error));
    g_assert_no_error(error);
    g_autofree char *published = g_build_filename(to, "720p", "1.m4s", NULL);
    assert_content(published, "segment");
    g_assert_false(mnb_store_publish(from, to, &error));
    g_clear_error(&error);
    g_assert_true(mnb_store_remove_recording(fixture.store, "rec", &error));
    g_assert_true(mnb_store_remove_recording(fixture.store, "rec", &error));
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
    fixture_close(&fixture);
}

static void test_space(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    gint64 free_bytes = mnb_store_free_bytes(fixture.store, &error);
    g_assert_cmpint(free_bytes, >, 0);
    g_assert_false(mnb_store_check_space(fixture.store, G_MAXINT64, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_STORAGE_FULL);
    g_assert_true(mnb_store_keep_reserve(fixture.store));
    g_assert_true(mnb_store_keep_reserve(fixture.store));
    g_autofree char *path = g_build_filename(fixture.dir, "reserve", NULL);
    GStatBuf info;
    g_assert_cmpint(g_stat(path, &info), ==, 0);
    g_assert_cmpint(info.st_size, ==, MNB_STORE_RESERVE);
    g_assert_true(mnb_store_release_reserve(fixture.store));
    g_assert_false(mnb_store_release_reserve(fixture.store));
    fixture_close(&fixture);
}

/* ---- manifests ---- */

static MnbManifest *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    MnbManifest *manifest = mnb_manifest_parse(text, strlen(text), &error);
    if (manifest == NULL)
        g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
    return manifest;
}

#define HEAD "{\"id\":\"0123456789abcdefghjkmnpqrs\",\"area\":\"urban-planning\",\"city\":\"01100\""

static void test_manifest_round_trip(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbRecording) recording = fixture_recording("Quote \" and \\", "改行\n");
    recording->duration_us = 61000000;
    g_assert_true(mnb_recording_insert(fixture.db, recording, NOW_US, &error));
    mnb_part_begin(fixture.db, recording->id, NOW_US, &error);
    MnbRendition rendition = {
        (char *)"720p", MNB_RENDITION_HLS, (char *)"media/720p.m3u8", 1280, 720, 2500000, 99};
    g_assert_true(mnb_rendition_put(fixture.db, recording->id, &rendition, &error));
    g_autofree char *text = mnb_manifest_build(fixture.db, recording->id, &error);
    g_assert_no_error(error);
    g_autoptr(MnbManifest) manifest = parse(text);
    g_assert_cmpstr(manifest->recording->id, ==, recording->id);
    g_assert_cmpstr(manifest->recording->title_en, ==, "Quote \" and \\");
    g_assert_cmpstr(manifest->recording->title_ja, ==, "改行\n");
    g_assert_cmpint(manifest->recording->duration_us, ==, 61000000);
    g_assert_cmpint(manifest->recording->audience, ==, MNB_AUDIENCE_PUBLIC);
    g_assert_cmpint(manifest->parts->len, ==, 1);
    g_assert_cmpint(manifest->renditions->len, ==, 1);
    g_assert_cmpint(((MnbRendition *)manifest->renditions->pdata[0])->bitrate_bps, ==, 2500000);
    gboolean changed;
    g_assert_true(mnb_manifest_restore(fixture.db, manifest, &changed, &error));
    g_assert_false(changed);
    g_assert_true(mnb_recording_remove(fixture.db, recording->id, &error));
    g_assert_true(mnb_manifest_restore(fixture.db, manifest, &changed, &error));
    g_assert_no_error(error);
    g_assert_true(changed);
    g_autofree char *again = mnb_manifest_build(fixture.db, recording->id, &error);
    g_assert_cmpstr(again, ==, text);
    g_assert_null(mnb_manifest_build(fixture.db, "none", &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    fixture_close(&fixture);
}

static void test_manifest_refuses(void)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{}",
        HEAD "}",
        HEAD ",\"title_en\":\"\"}",
        "{\"id\":\"../../x\",\"area\":\"a\",\"city\":\"b\",\"title_en\":\"t\"}",
        "{\"id\":\"0123456789abcdefghjkmnpqrs\",\"city\":\"b\",\"title_en\":\"t\"}",
        HEAD ",\"title_en\":\"t\",\"title_en\":\"twice\"}",
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_null(parse(bad[i]));
}

/* What a manifest does not say makes nothing more visible. */
static void test_manifest_defaults(void)
{
    g_autoptr(MnbManifest) plain = parse(HEAD ",\"title_en\":\"t\",\"unknown\":[1]}");
    g_assert_cmpint(plain->recording->audience, ==, MNB_AUDIENCE_STAFF);
    g_assert_cmpint(plain->recording->state, ==, MNB_RECORDING_REVIEW);
    g_assert_false(plain->recording->publish_when_ready);
    g_autoptr(MnbManifest) odd =
        parse(HEAD ",\"title_en\":\"t\",\"audience\":7,\"state\":\"published\",\"width\":-5,"
                   "\"parts\":[{\"part\":0},{\"part\":1,\"state\":\"writing\"},3],"
                   "\"renditions\":{\"a\":1},\"duration_us\":\"x\"}");
    g_assert_cmpint(odd->recording->audience, ==, MNB_AUDIENCE_STAFF);
    g_assert_cmpint(odd->recording->state, ==, MNB_RECORDING_REVIEW); /* never published when? */
    g_assert_cmpint(odd->recording->width, ==, 0);
    g_assert_cmpint(odd->parts->len, ==, 1);
    g_assert_cmpint(odd->renditions->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recordings/store/makes-its-folders-for-the-owner-only", test_layout);
    g_test_add_func("/recordings/store/refuses-paths-that-lead-outside", test_paths);
    g_test_add_func("/recordings/store/shows-only-whole-files", test_files);
    g_test_add_func("/recordings/store/knows-when-space-is-short", test_space);
    g_test_add_func("/recordings/manifest/tells-all-of-a-recording", test_manifest_round_trip);
    g_test_add_func("/recordings/manifest/refuses-what-is-none", test_manifest_refuses);
    g_test_add_func("/recordings/manifest/fills-in-nothing-visible", test_manifest_defaults);
    return g_test_run();
}
