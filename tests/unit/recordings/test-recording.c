#include "recordings/recording.h"

#include <string.h>

#include "recordings/job.h"
#include "recordings/taxonomy.h"
#include "server/base/error.h"
#include "tests/unit/recordings/fixture.h"

static void assert_refused(MnbDb *db, MnbRecording *recording, const char *field)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *pattern = g_strdup_printf("%s:*", field);
    g_assert_false(mnb_recording_insert(db, recording, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
    g_assert_true(g_pattern_match_simple(pattern, error->message));
    g_clear_pointer(&recording->id, g_free);
    g_clear_pointer(&recording->folder, g_free);
}

static void replace(char **text, const char *with)
{
    g_free(*text);
    *text = g_strdup(with);
}

static void test_needs_place(void)
{
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbRecording) recording = fixture_recording("Title", "");
    static const char *const codes[] = {NULL, "", "no-such-code"};
    for (guint i = 0; i < G_N_ELEMENTS(codes); i++) {
        replace(&recording->area, codes[i]);
        assert_refused(fixture.db, recording, "area");
    }
    replace(&recording->area, "urban-planning");
    for (guint i = 0; i < G_N_ELEMENTS(codes); i++) {
        replace(&recording->city, codes[i]);
        assert_refused(fixture.db, recording, "city");
    }
    replace(&recording->city, "01100");
    replace(&recording->title_en, "");
    assert_refused(fixture.db, recording, "title_en");
    replace(&recording->title_en, "Title");
    static const char *const folders[] = {"", "..", ".hidden", "a/b", "a b", "a\\b", "防災"};
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        replace(&recording->folder, folders[i]);
        assert_refused(fixture.db, recording, "folder");
    }
    fixture_close(&fixture);
}

/* Whoever goes past the functions is refused by the file itself. */
static void test_schema_refuses(void)
{
    static const char *const statements[] = {
        "INSERT INTO recording(id, revision, city, origin, title_en, recorded_us, folder,"
        " created_us, updated_us) VALUES ('x', 1, '01100', 'import', 't', 1, 'x', 1, 1)",
        "INSERT INTO recording(id, revision, area, origin, title_en, recorded_us, folder,"
        " created_us, updated_us) VALUES ('x', 1, 'urban-planning', 'import', 't', 1, 'x', 1, 1)",
        "INSERT INTO recording(id, revision, area, city, origin, title_en, recorded_us, folder,"
        " created_us, updated_us) VALUES ('x', 1, 'none', '01100', 'import', 't', 1, 'x', 1, 1)",
        "INSERT INTO recording(id, revision, area, city, origin, title_en, recorded_us, folder,"
        " created_us, updated_us) VALUES ('x', 1, 'urban-planning', '99', 'import', 't', 1, 'x',"
        " 1, 1)",
        "DELETE FROM city WHERE code = '40100'",
        "UPDATE recording SET area = NULL",
    };
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbRecording) recording = fixture_recording("Title", "");
    g_assert_true(mnb_recording_insert(fixture.db, recording, NOW_US, &error));
    for (guint i = 0; i < G_N_ELEMENTS(statements); i++) {
        g_assert_false(mnb_db_exec(fixture.db, statements[i], &error));
        g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
        g_clear_error(&error);
    }
    fixture_close(&fixture);
}

static void test_from_session(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbEvent) event = fixture_event(fixture.db, "Flood", "洪水");
    g_autoptr(MnbRecording) made =
        mnb_recording_insert_for_session(fixture.db, event->session, NOW_US, &error);
    g_assert_no_error(error);
    g_autoptr(MnbRecording) recording = mnb_recording_find(fixture.db, made->id, &error);
    g_assert_cmpstr(recording->area, ==, event->area);
    g_assert_cmpstr(recording->city, ==, event->city);
    g_assert_cmpstr(recording->title_ja, ==, "洪水");
    g_assert_cmpstr(recording->description_en, ==, "What the city learned.");
    g_assert_cmpstr(recording->event, ==, event->id);
    g_assert_cmpstr(recording->session, ==, event->session);
    g_assert_cmpstr(recording->folder, ==, recording->id);
    g_assert_cmpint(recording->origin, ==, MNB_ORIGIN_SESSION);
    g_assert_cmpint(recording->state, ==, MNB_RECORDING_DRAFT);
    g_assert_true(recording->publish_when_ready);
    g_assert_cmpint(g_strv_length(recording->languages), ==, 2);
    g_autoptr(GPtrArray) of_session =
        mnb_recording_list_for_session(fixture.db, event->session, &error);
    g_assert_cmpint(of_session->len, ==, 1);
    g_autoptr(GPtrArray) drafts =
        mnb_recording_list_in_state(fixture.db, MNB_RECORDING_DRAFT, &error);
    g_assert_cmpint(drafts->len, ==, 1);
    g_autoptr(MnbRecording) by_folder =
        mnb_recording_find_by_folder(fixture.db, recording->folder, &error);
    g_assert_cmpstr(by_folder->id, ==, recording->id);
    g_assert_null(mnb_recording_insert_for_session(fixture.db, "none", NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    fixture_close(&fixture);
}

static void put_rendition(MnbDb *db, const char *recording, const char *name, MnbRenditionKind kind,
                          int height)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_strdup_printf("media/%s", name);
    MnbRendition rendition = {(char *)name, kind, path, height * 16 / 9, height, height * 1000, 7};
    mnb_rendition_put(db, recording, &rendition, &error);
    g_assert_no_error(error);
}

static const MnbRendition *rendition_named(GPtrArray *list, const char *name)
{
    for (guint i = 0; i < list->len; i++)
        if (strcmp(((MnbRendition *)list->pdata[i])->name, name) == 0)
            return list->pdata[i];
    return NULL;
}

static void test_choosing_a_poster(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbRecording) recording = fixture_recording("Title", "");
    g_assert_true(mnb_recording_insert(fixture.db, recording, NOW_US, &error));
    put_rendition(fixture.db, recording->id, "poster", MNB_RENDITION_POSTER, 720);
    put_rendition(fixture.db, recording->id, "poster-1", MNB_RENDITION_CANDIDATE, 720);
    put_rendition(fixture.db, recording->id, "poster-2", MNB_RENDITION_CANDIDATE, 360);
    put_rendition(fixture.db, recording->id, "poster-3", MNB_RENDITION_WAVEFORM, 360);
    g_assert_true(mnb_rendition_choose_poster(fixture.db, recording->id, 2, &error));
    g_assert_no_error(error);
    g_autoptr(GPtrArray) list = mnb_rendition_list(fixture.db, recording->id, &error);
    const MnbRendition *poster = rendition_named(list, "poster");
    g_assert_cmpuint(list->len, ==, 4);
    g_assert_cmpstr(poster->path, ==, "media/poster-2");
    g_assert_cmpint(poster->kind, ==, MNB_RENDITION_POSTER);
    g_assert_cmpint(poster->height, ==, 360);
    for (int number = 3; number <= 4; number++) {
        g_assert_false(mnb_rendition_choose_poster(fixture.db, recording->id, number, &error));
        g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
        g_clear_error(&error);
    }
    fixture_close(&fixture);
}

static void test_publishing(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbRecording) recording = fixture_recording("Title", "");
    recording->publish_when_ready = TRUE;
    g_assert_true(mnb_recording_insert(fixture.db, recording, NOW_US, &error));
    g_assert_false(mnb_recording_set_state(fixture.db, recording->id, MNB_RECORDING_PUBLISHED,
                                           NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_CONFLICT);
    g_clear_error(&error);
    put_rendition(fixture.db, recording->id, "poster.jpg", MNB_RENDITION_POSTER, 720);
    MnbRecordingState state;
    g_assert_false(mnb_recording_set_ready(fixture.db, recording->id, NOW_US, &state, &error));
    g_clear_error(&error);
    put_rendition(fixture.db, recording->id, "master.m3u8", MNB_RENDITION_HLS, 720);
    g_assert_true(mnb_recording_set_ready(fixture.db, recording->id, NOW_US + 1, &state, &error));
    g_assert_cmpint(state, ==, MNB_RECORDING_PUBLISHED);
    g_assert_true(mnb_recording_set_state(fixture.db, recording->id, MNB_RECORDING_WITHDRAWN,
                                          NOW_US + 2, &error));
    /* Withdrawn by a person: a job that ends later does not bring it back. */
    g_assert_true(mnb_recording_set_ready(fixture.db, recording->id, NOW_US + 3, &state, &error));
    g_assert_cmpint(state, ==, MNB_RECORDING_WITHDRAWN);
    g_assert_true(mnb_recording_set_state(fixture.db, recording->id, MNB_RECORDING_PUBLISHED,
                                          NOW_US + 4, &error));
    g_autoptr(MnbRecording) found = mnb_recording_find(fixture.db, recording->id, &error);
    g_assert_cmpint(found->published_us, ==, NOW_US + 1); /* the first time counts */
    fixture_close(&fixture);
}

static void test_review(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbRecording) recording = fixture_recording("Title", "");
    recording->state = MNB_RECORDING_PROCESSING;
    g_assert_true(mnb_recording_insert(fixture.db, recording, NOW_US, &error));
    MnbRecordingState state;
    g_assert_true(mnb_recording_set_ready(fixture.db, recording->id, NOW_US, &state, &error));
    g_assert_cmpint(state, ==, MNB_RECORDING_REVIEW);
    fixture_close(&fixture);
}

static void test_may_watch(void)
{
    for (int state = MNB_RECORDING_DRAFT; state <= MNB_RECORDING_WITHDRAWN; state++) {
        for (int audience = MNB_AUDIENCE_PUBLIC; audience <= MNB_AUDIENCE_STAFF; audience++) {
            MnbRecording recording = {.state = (MnbRecordingState)state,
                                      .audience = (MnbAudience)audience};
            gboolean expected = state == MNB_RECORDING_PUBLISHED && audience != MNB_AUDIENCE_STAFF;
            g_assert_cmpint(mnb_recording_may_watch(&recording, FALSE), ==, expected);
            g_assert_true(mnb_recording_may_watch(&recording, TRUE));
        }
    }
}

static void test_parts(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbRecording) recording = fixture_recording("Title", "");
    g_assert_true(mnb_recording_insert(fixture.db, recording, NOW_US, &error));
    const char *id = recording->id;
    g_assert_cmpint(mnb_part_begin(fixture.db, id, NOW_US, &error), ==, 1);
    g_assert_true(mnb_part_set(fixture.db, id, 1, MNB_PART_CLOSED, NOW_US + 9, NULL, &error));
    g_assert_cmpint(mnb_part_begin(fixture.db, id, NOW_US + 10, &error), ==, 2);
    g_autoptr(GPtrArray) cut = mnb_part_mark_cut(fixture.db, &error);
    g_assert_cmpint(cut->len, ==, 1);
    g_assert_cmpstr(cut->pdata[0], ==, id);
    g_assert_true(
        mnb_part_set(fixture.db, id, 2, MNB_PART_REPAIRED, 0, "{\"lost_ms\":900}", &error));
    g_assert_false(mnb_part_set(fixture.db, id, 2, MNB_PART_CUT, 0, "nonsense", &error));
    g_clear_error(&error);
    g_assert_false(mnb_part_set(fixture.db, id, 3, MNB_PART_CUT, 0, NULL, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_cmpint(mnb_part_begin(fixture.db, "none", NOW_US, &error), ==, -1);
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    g_autoptr(GPtrArray) parts = mnb_part_list(fixture.db, id, NULL);
    g_assert_cmpint(parts->len, ==, 2);
    const MnbPart *first = parts->pdata[0];
    const MnbPart *second = parts->pdata[1];
    g_assert_cmpint(first->state, ==, MNB_PART_CLOSED);
    g_assert_cmpint(first->ended_us, ==, NOW_US + 9);
    g_assert_cmpint(second->state, ==, MNB_PART_REPAIRED);
    g_assert_cmpint(second->ended_us, ==, 0);
    g_assert_cmpstr(second->note, ==, "{\"lost_ms\":900}");
    fixture_close(&fixture);
}

static void test_renditions(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbRecording) recording = fixture_recording("Title", "");
    g_assert_true(mnb_recording_insert(fixture.db, recording, NOW_US, &error));
    put_rendition(fixture.db, recording->id, "360p", MNB_RENDITION_HLS, 360);
    put_rendition(fixture.db, recording->id, "720p", MNB_RENDITION_HLS, 700);
    put_rendition(fixture.db, recording->id, "720p", MNB_RENDITION_HLS, 720);
    g_autoptr(GPtrArray) list = mnb_rendition_list(fixture.db, recording->id, &error);
    g_assert_cmpint(list->len, ==, 2);
    g_assert_cmpstr(((MnbRendition *)list->pdata[0])->name, ==, "720p");
    g_assert_cmpint(((MnbRendition *)list->pdata[0])->height, ==, 720);
    g_assert_true(mnb_rendition_remove_all(fixture.db, recording->id, &error));
    g_autoptr(GPtrArray) none = mnb_rendition_list(fixture.db, recording->id, &error);
    g_assert_cmpint(none->len, ==, 0);
    MnbRendition nameless = {.kind = MNB_RENDITION_HLS};
    g_assert_false(mnb_rendition_put(fixture.db, recording->id, &nameless, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
    fixture_close(&fixture);
}

static void test_remove(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbRecording) recording = fixture_recording("Title", "");
    g_assert_true(mnb_recording_insert(fixture.db, recording, NOW_US, &error));
    put_rendition(fixture.db, recording->id, "360p", MNB_RENDITION_HLS, 360);
    mnb_part_begin(fixture.db, recording->id, NOW_US, &error);
    g_autofree char *job =
        mnb_job_insert(fixture.db, MNB_JOB_COMPOSE, recording->id, "{}", NULL, NOW_US, &error);
    g_assert_no_error(error);
    g_assert_true(mnb_recording_remove(fixture.db, recording->id, &error));
    g_assert_null(mnb_job_find(fixture.db, job, NULL));
    g_assert_false(mnb_recording_remove(fixture.db, recording->id, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    fixture_close(&fixture);
}

static void test_taxonomy(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(GPtrArray) areas = mnb_area_list(fixture.db, &error);
    g_autoptr(GPtrArray) cities = mnb_city_list(fixture.db, &error);
    g_assert_no_error(error);
    g_assert_cmpint(areas->len, ==, 6);
    g_assert_cmpint(cities->len, ==, 65);
    g_assert_cmpstr(((MnbArea *)areas->pdata[0])->code, ==, "urban-planning");
    g_assert_cmpstr(((MnbArea *)areas->pdata[4])->name_ja, ==, "防災・災害リスク管理");
    g_autoptr(MnbCity) city = mnb_city_find(fixture.db, "40100", &error);
    g_assert_cmpstr(city->name_ja, ==, "北九州市");
    g_assert_cmpstr(city->kind, ==, "designated");
    g_assert_cmpstr(city->country, ==, "JP");
    g_assert_null(mnb_city_find(fixture.db, "00000", &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    g_clear_error(&error);
    /* A name that was corrected in the table reaches the catalogue and the search. */
    g_assert_true(
        mnb_db_exec(fixture.db, "UPDATE city SET name_en = 'Old' WHERE code = '40100'", &error));
    g_assert_true(mnb_taxonomy_seed(fixture.db, &error));
    g_autoptr(MnbCity) again = mnb_city_find(fixture.db, "40100", &error);
    g_assert_cmpstr(again->name_en, ==, "Kitakyushu");
    fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recordings/recording/cannot-be-without-area-or-city", test_needs_place);
    g_test_add_func("/recordings/recording/is-refused-by-the-schema-too", test_schema_refuses);
    g_test_add_func("/recordings/recording/takes-over-from-its-event", test_from_session);
    g_test_add_func("/recordings/recording/is-published-when-ready-and-stays-withdrawn",
                    test_publishing);
    g_test_add_func("/recordings/recording/has-the-poster-that-was-chosen", test_choosing_a_poster);
    g_test_add_func("/recordings/recording/waits-for-review-unless-told", test_review);
    g_test_add_func("/recordings/recording/is-watched-by-its-audience", test_may_watch);
    g_test_add_func("/recordings/recording/goes-on-as-the-next-part", test_parts);
    g_test_add_func("/recordings/recording/replaces-renditions-by-name", test_renditions);
    g_test_add_func("/recordings/recording/takes-its-rows-with-it", test_remove);
    g_test_add_func("/recordings/taxonomy/has-six-areas-and-sixty-five-cities", test_taxonomy);
    return g_test_run();
}
