#include "tests/unit/recordings/fixture.h"

#include <ftw.h>
#include <stdio.h>

#include "recordings/migrate.h"
#include "recordings/taxonomy.h"

static int on_remove(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    return remove(path);
}

void fixture_remove_tree(const char *path)
{
    nftw(path, on_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_dir(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    *fixture = (Fixture){0};
    fixture->dir = g_dir_make_tmp("manabi-test-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->store = mnb_store_new(fixture->dir, &error);
    g_assert_no_error(error);
}

void fixture_open_db(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    make_dir(fixture);
    g_autofree char *path = g_build_filename(fixture->dir, "catalogue.db", NULL);
    fixture->db = mnb_db_open(path, MNB_DB_WRITER, &error);
    g_assert_no_error(error);
    /* These tests are about what is in the file, not about power cuts. */
    mnb_db_exec(fixture->db, "PRAGMA synchronous = OFF", &error);
    mnb_migrate_to_newest(fixture->db, NULL, &error);
    g_assert_no_error(error);
    mnb_taxonomy_seed(fixture->db, &error);
    g_assert_no_error(error);
}

void fixture_open_catalog(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    make_dir(fixture);
    fixture->catalog = mnb_catalog_open(fixture->store, MNB_CATALOG_NO_FLAGS, &error);
    g_assert_no_error(error);
}

void fixture_close(Fixture *fixture)
{
    mnb_catalog_close(fixture->catalog);
    mnb_db_close(fixture->db);
    mnb_store_free(fixture->store);
    fixture_remove_tree(fixture->dir);
    g_free(fixture->dir);
    *fixture = (Fixture){0};
}

MnbEvent *fixture_event(MnbDb *db, const char *title_en, const char *title_ja)
{
    g_autoptr(GError) error = NULL;
    MnbEvent *event = mnb_event_new();
    event->kind = MNB_EVENT_SITE_VISIT;
    event->title_en = g_strdup(title_en);
    event->title_ja = g_strdup(title_ja);
    event->summary_en = g_strdup("What the city learned.");
    event->area = g_strdup("disaster-risk-management");
    event->city = g_strdup("40100");
    event->starts_us = NOW_US + G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC;
    event->duration_s = 5400;
    event->time_zone = g_strdup("Asia/Tokyo");
    event->languages = g_strsplit("en,ja", ",", 0);
    event->is_public = TRUE;
    event->recording_policy = MNB_RECORDING_POLICY_PUBLISH;
    mnb_event_insert(db, event, NOW_US, &error);
    g_assert_no_error(error);
    return event;
}

MnbRecording *fixture_recording(const char *title_en, const char *title_ja)
{
    MnbRecording *recording = mnb_recording_new();
    recording->area = g_strdup("disaster-risk-management");
    recording->city = g_strdup("40100");
    recording->origin = MNB_ORIGIN_IMPORT;
    recording->title_en = g_strdup(title_en);
    recording->title_ja = g_strdup(title_ja);
    recording->languages = g_strsplit("ja", ",", 0);
    recording->audience = MNB_AUDIENCE_PUBLIC;
    recording->recorded_us = NOW_US;
    return recording;
}
