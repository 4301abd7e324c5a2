#include "recordings/audit.h"
#include "recordings/follow-up.h"
#include "recordings/publishing.h"
#include "recordings/recording.h"
#include "server/base/error.h"
#include "tests/unit/recordings/fixture.h"
#include <string.h>

#define SECOND_US ((gint64)G_USEC_PER_SEC)
#define AYA       "staff:aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BEN       "staff:bbbbbbbbbbbbbbbbbbbbbbbbbb"

static const MnbRendition ready_film = {
    .name = (char *)"video.mp4", .kind = MNB_RENDITION_DOWNLOAD, .path = (char *)"media/video.mp4"};

static char *film(MnbDb *db, gboolean is_ready)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbRecording) recording = fixture_recording("Waste", "廃棄物");
    g_assert_true(mnb_recording_insert(db, recording, NOW_US, &error));
    if (is_ready)
        g_assert_true(mnb_rendition_put(db, recording->id, &ready_film, &error));
    g_assert_true(mnb_recording_set_state(db, recording->id, MNB_RECORDING_REVIEW, NOW_US, &error));
    g_assert_no_error(error);
    return g_strdup(recording->id);
}

static MnbRecordingState state_of(MnbDb *db, const char *id)
{
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, id, NULL);
    return recording->state;
}

static guint run_due(MnbDb *db, gint64 now_us)
{
    g_autoptr(GError) error = NULL;
    guint n = 0;
    g_assert_true(mnb_publishing_run_due(db, now_us, &n, &error));
    g_assert_no_error(error);
    return n;
}

static void test_orders(void)
{
    Fixture fixture;
    g_autoptr(GError) error = NULL;
    fixture_open_db(&fixture);
    MnbDb *db = fixture.db;
    g_autofree char *ready = film(db, TRUE);
    g_autofree char *unready = film(db, FALSE);
    gint64 at_us = NOW_US + 60 * SECOND_US;
    g_assert_true(mnb_publishing_order(db, ready, at_us, "Asia/Tokyo", AYA, &error));
    g_assert_true(mnb_publishing_order(db, unready, at_us, "Asia/Tokyo", AYA, &error));
    g_assert_false(mnb_publishing_is_due(db, at_us - 1));
    g_assert_cmpuint(run_due(db, at_us - 1), ==, 0);
    g_assert_true(mnb_publishing_is_due(db, at_us));
    g_assert_cmpuint(run_due(db, at_us), ==, 1);
    g_assert_cmpint(state_of(db, ready), ==, MNB_RECORDING_PUBLISHED);
    g_assert_cmpint(state_of(db, unready), ==, MNB_RECORDING_REVIEW);
    /* done once; who takes it back later is not overruled */
    g_assert_true(mnb_recording_set_state(db, ready, MNB_RECORDING_WITHDRAWN, at_us, &error));
    g_assert_false(mnb_publishing_is_due(db, at_us + SECOND_US));
    /* what was not ready is published when it is */
    g_assert_true(mnb_rendition_put(db, unready, &ready_film, &error));
    g_assert_cmpuint(run_due(db, at_us + SECOND_US), ==, 1);
    g_autoptr(GPtrArray) rows = mnb_audit_list(db, 0, 1, &error);
    const MnbAuditRow *row = rows->pdata[0];
    g_assert_cmpstr(row->action, ==, "recording-publish-ordered");
    g_assert_cmpstr(row->actor, ==, AYA);
    /* taken back */
    g_assert_true(mnb_publishing_order(db, ready, at_us, "Asia/Tokyo", AYA, &error));
    g_assert_true(mnb_publishing_order(db, ready, 0, "", AYA, &error));
    g_assert_false(mnb_publishing_is_due(db, at_us + SECOND_US));
    fixture_close(&fixture);
}

static void test_second_person(void)
{
    Fixture fixture;
    g_autoptr(GError) error = NULL;
    fixture_open_db(&fixture);
    MnbDb *db = fixture.db;
    g_autofree char *id = film(db, TRUE);
    g_assert_true(mnb_publishing_check(db, id, AYA, &error));
    g_assert_true(mnb_publishing_set_second_person(db, TRUE, &error));
    g_assert_false(mnb_publishing_check(db, id, AYA, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_true(mnb_publishing_submit(db, id, AYA, NOW_US, &error));
    g_assert_false(mnb_publishing_check(db, id, AYA, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_DENIED);
    g_clear_error(&error);
    g_assert_true(mnb_publishing_check(db, id, BEN, &error));
    /* and nothing is published by itself when it is ready */
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, id, &error);
    recording->publish_when_ready = TRUE;
    g_assert_true(mnb_recording_update(db, recording, NOW_US, &error));
    g_assert_true(mnb_recording_set_state(db, id, MNB_RECORDING_PROCESSING, NOW_US, &error));
    g_assert_true(mnb_recording_set_ready(db, id, NOW_US, NULL, &error));
    g_assert_cmpint(state_of(db, id), ==, MNB_RECORDING_REVIEW);
    g_assert_true(mnb_publishing_set_second_person(db, FALSE, &error));
    g_assert_true(mnb_recording_set_state(db, id, MNB_RECORDING_PROCESSING, NOW_US, &error));
    g_assert_true(mnb_recording_set_ready(db, id, NOW_US, NULL, &error));
    g_assert_cmpint(state_of(db, id), ==, MNB_RECORDING_PUBLISHED);
    fixture_close(&fixture);
}

static gboolean ask(MnbDb *db, const char *film_id, const char *text, GError **error)
{
    g_autoptr(MnbFollowUp) question = g_new0(MnbFollowUp, 1);
    question->recording = g_strdup(film_id);
    question->text = g_strdup(text);
    return mnb_follow_up_insert(db, question, NOW_US, error);
}

static guint n_questions(MnbDb *db, const char *id, gboolean all)
{
    g_autoptr(GPtrArray) list = mnb_follow_up_list(db, id, all, NULL);
    return list->len;
}

static void test_questions(void)
{
    Fixture fixture;
    g_autoptr(GError) error = NULL;
    fixture_open_db(&fixture);
    MnbDb *db = fixture.db;
    g_autofree char *id = film(db, TRUE);
    for (int i = 0; i < MNB_FOLLOW_UP_OPEN_MAX; i++)
        g_assert_true(ask(db, id, "How much did it cost?", &error));
    g_assert_false(ask(db, id, "one too many", &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_LIMIT);
    g_clear_error(&error);
    g_autoptr(GPtrArray) list = mnb_follow_up_list(db, id, TRUE, &error);
    const char *first = ((MnbFollowUp *)list->pdata[0])->id;
    g_assert_cmpuint(n_questions(db, id, FALSE), ==, 0);
    g_assert_false(mnb_follow_up_answer(db, id, first, NULL, NULL, "shown", AYA, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_true(
        mnb_follow_up_answer(db, id, first, "3 billion yen", NULL, "shown", AYA, NOW_US, &error));
    g_assert_cmpuint(n_questions(db, id, FALSE), ==, 1);
    g_assert_true(mnb_follow_up_answer(db, id, first, NULL, NULL, "hidden", AYA, NOW_US, &error));
    g_assert_cmpuint(n_questions(db, id, FALSE), ==, 0);
    g_assert_true(ask(db, id, "there is room again", &error));
    g_assert_false(mnb_follow_up_answer(db, id, id, "x", NULL, NULL, AYA, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recordings/publishing/an-order-is-carried-out-once-it-is-due-and-ready",
                    test_orders);
    g_test_add_func("/recordings/publishing/a-second-person-publishes", test_second_person);
    g_test_add_func("/recordings/publishing/questions-are-bounded-and-shown-with-answers",
                    test_questions);
    return g_test_run();
}
