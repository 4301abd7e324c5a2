#include "recordings/event.h"

#include "recordings/session-log.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "tests/unit/recordings/fixture.h"

#define HOUR_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)

static void assert_refused(MnbDb *db, MnbEvent *event, const char *field)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *pattern = g_strdup_printf("%s:*", field);
    g_assert_false(mnb_event_update(db, event, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
    g_assert_true(g_pattern_match_simple(pattern, error->message));
}

static void replace(char **text, const char *with)
{
    g_free(*text);
    *text = g_strdup(with);
}

static void test_keeps_fields(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbEvent) made = fixture_event(fixture.db, "Flood control", "治水");
    g_autoptr(MnbEvent) event = mnb_event_find(fixture.db, made->id, &error);
    g_assert_no_error(error);
    g_assert_true(mnb_id_is_valid(event->id));
    g_assert_cmpint(event->kind, ==, MNB_EVENT_SITE_VISIT);
    g_assert_cmpstr(event->title_en, ==, "Flood control");
    g_assert_cmpstr(event->title_ja, ==, "治水");
    g_assert_cmpstr(event->summary_ja, ==, "");
    g_assert_cmpstr(event->area, ==, "disaster-risk-management");
    g_assert_cmpstr(event->city, ==, "40100");
    g_assert_cmpint(event->starts_us, ==, NOW_US + HOUR_US);
    g_assert_cmpint(event->duration_s, ==, 5400);
    g_assert_cmpstr(event->time_zone, ==, "Asia/Tokyo");
    g_assert_cmpint(g_strv_length(event->languages), ==, 2);
    g_assert_cmpstr(event->languages[1], ==, "ja");
    g_assert_true(event->is_public);
    g_assert_cmpint(event->recording_policy, ==, MNB_RECORDING_POLICY_PUBLISH);
    g_assert_cmpint(event->audience, ==, MNB_AUDIENCE_PUBLIC);
    g_assert_cmpstr(event->session, ==, made->session);
    g_assert_cmpint(event->session_state, ==, MNB_SESSION_PLANNED);
    fixture_close(&fixture);
}

static void test_update(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbEvent) event = fixture_event(fixture.db, "Old", "");
    replace(&event->title_en, "New");
    event->is_public = FALSE;
    event->audience = MNB_AUDIENCE_STAFF;
    g_assert_true(mnb_event_update(fixture.db, event, NOW_US + 5, &error));
    g_autoptr(MnbEvent) found = mnb_event_find(fixture.db, event->id, &error);
    g_assert_cmpstr(found->title_en, ==, "New");
    g_assert_false(found->is_public);
    g_assert_cmpint(found->audience, ==, MNB_AUDIENCE_STAFF);
    g_assert_cmpint(found->created_us, ==, NOW_US);
    g_assert_cmpint(found->updated_us, ==, NOW_US + 5);
    replace(&event->id, "0000000000000000000000000x");
    g_assert_false(mnb_event_update(fixture.db, event, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    fixture_close(&fixture);
}

static void test_refuses(void)
{
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbEvent) event = fixture_event(fixture.db, "Title", "");
    replace(&event->title_en, "");
    assert_refused(fixture.db, event, "title_en");
    g_free(event->title_en);
    event->title_en = g_strnfill(MNB_TITLE_MAX + 1, 'x');
    assert_refused(fixture.db, event, "title_en");
    replace(&event->title_en, "bell \a");
    assert_refused(fixture.db, event, "title_en");
    replace(&event->title_en, "bad \xff");
    assert_refused(fixture.db, event, "title_en");
    replace(&event->title_en, "Title");
    replace(&event->area, "");
    assert_refused(fixture.db, event, "area");
    replace(&event->area, "no-such-area");
    assert_refused(fixture.db, event, "area");
    replace(&event->area, "urban-planning");
    replace(&event->city, "99999");
    assert_refused(fixture.db, event, "city");
    replace(&event->city, "01100");
    event->duration_s = 59;
    assert_refused(fixture.db, event, "duration_s");
    event->duration_s = 3600;
    static const char *const zones[] = {"Mars/Base", "../../etc/passwd", "/etc/localtime", "",
                                        "A:B"};
    for (guint i = 0; i < G_N_ELEMENTS(zones); i++) {
        replace(&event->time_zone, zones[i]);
        assert_refused(fixture.db, event, "time_zone");
    }
    replace(&event->time_zone, "Africa/Nairobi");
    static const char *const languages[] = {"", "e", "en,en", "en,EN", "1a", "en_GB", "a\"b"};
    for (guint i = 0; i < G_N_ELEMENTS(languages); i++) {
        g_strfreev(event->languages);
        event->languages = g_strsplit(languages[i], ",", 0);
        assert_refused(fixture.db, event, "languages");
    }
    fixture_close(&fixture);
}

static void test_list(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbEvent) later = fixture_event(fixture.db, "later", "");
    mnb_event_free(fixture_event(fixture.db, "soon", ""));
    g_autoptr(MnbEvent) live = fixture_event(fixture.db, "live", "");
    g_autoptr(MnbEvent) over = fixture_event(fixture.db, "over", "");
    g_autoptr(MnbEvent) missed = fixture_event(fixture.db, "missed", "");
    g_autoptr(MnbEvent) hidden = fixture_event(fixture.db, "hidden", "");
    later->starts_us = NOW_US + 9 * HOUR_US;
    missed->starts_us = NOW_US - 3 * HOUR_US;
    live->starts_us = NOW_US - 5 * HOUR_US;
    hidden->is_public = FALSE;
    g_assert_true(mnb_event_update(fixture.db, later, NOW_US, &error));
    g_assert_true(mnb_event_update(fixture.db, missed, NOW_US, &error));
    g_assert_true(mnb_event_update(fixture.db, live, NOW_US, &error));
    g_assert_true(mnb_event_update(fixture.db, hidden, NOW_US, &error));
    mnb_session_set_state(fixture.db, live->session, MNB_SESSION_LIVE, NOW_US, &error);
    mnb_session_set_state(fixture.db, over->session, MNB_SESSION_ENDED, NOW_US, &error);
    g_assert_no_error(error);
    MnbEventFilter filter = {
        .public_only = TRUE, .upcoming_only = TRUE, .now_us = NOW_US, .limit = 10};
    guint total;
    g_autoptr(GPtrArray) upcoming = mnb_event_list(fixture.db, &filter, &total, &error);
    g_assert_no_error(error);
    g_assert_cmpint(total, ==, 3);
    g_assert_cmpstr(((MnbEvent *)upcoming->pdata[0])->title_en, ==, "live");
    g_assert_cmpint(((MnbEvent *)upcoming->pdata[0])->session_state, ==, MNB_SESSION_LIVE);
    g_assert_cmpstr(((MnbEvent *)upcoming->pdata[1])->title_en, ==, "soon");
    g_assert_cmpstr(((MnbEvent *)upcoming->pdata[2])->title_en, ==, "later");
    MnbEventFilter all = {.now_us = NOW_US, .limit = 2, .offset = 4};
    g_autoptr(GPtrArray) page = mnb_event_list(fixture.db, &all, &total, &error);
    g_assert_cmpint(total, ==, 6);
    g_assert_cmpint(page->len, ==, 2);
    g_assert_cmpstr(((MnbEvent *)page->pdata[1])->title_en, ==, "live");
    fixture_close(&fixture);
}

static void test_session_states(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbEvent) event = fixture_event(fixture.db, "Title", "");
    g_assert_null(mnb_session_create(fixture.db, event->id, NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_null(mnb_session_create(fixture.db, "no-such-event", NOW_US, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    g_clear_error(&error);
    const char *id = event->session;
    g_assert_true(mnb_session_set_state(fixture.db, id, MNB_SESSION_LIVE, NOW_US + 1, &error));
    g_assert_true(mnb_session_set_state(fixture.db, id, MNB_SESSION_LIVE, NOW_US + 2, &error));
    g_autoptr(GPtrArray) live = mnb_session_list(fixture.db, MNB_SESSION_LIVE, &error);
    g_assert_cmpint(live->len, ==, 1);
    g_assert_true(mnb_session_set_state(fixture.db, id, MNB_SESSION_ENDED, NOW_US + 3, &error));
    g_autoptr(MnbSession) session = mnb_session_find(fixture.db, id, &error);
    g_assert_cmpint(session->started_us, ==, NOW_US + 1);
    g_assert_cmpint(session->ended_us, ==, NOW_US + 3);
    g_assert_false(mnb_session_set_state(fixture.db, id, MNB_SESSION_LIVE, NOW_US + 4, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_CONFLICT);
    g_clear_error(&error);
    g_autoptr(MnbSession) next = mnb_session_create(fixture.db, event->id, NOW_US + 5, &error);
    g_assert_no_error(error);
    g_autoptr(MnbSession) current = mnb_session_find_for_event(fixture.db, event->id, &error);
    g_assert_cmpstr(current->id, ==, next->id);
    g_assert_null(mnb_session_find(fixture.db, "none", &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND);
    fixture_close(&fixture);
}

/* ---- the log ---- */

static gboolean join_entry(const MnbLogEntry *entry, gpointer data, GError **error)
{
    g_string_append_printf(data, "%" G_GINT64_FORMAT ":%s:%s:%s ", entry->seq, entry->type,
                           entry->peer == NULL ? "-" : entry->peer, entry->body);
    return TRUE;
}

static void test_log_order(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbEvent) event = fixture_event(fixture.db, "Title", "");
    const char *session = event->session;
    MnbLogEntry first[] = {{1, NOW_US, "peer-joined", "p1", "{\"a\":1}"},
                           {2, NOW_US, "chat", "p1", "{}"}};
    MnbLogEntry second[] = {{3, NOW_US, "recording", NULL, "{}"}};
    g_assert_cmpint(mnb_session_log_next_seq(fixture.db, session, &error), ==, 1);
    g_assert_true(mnb_session_log_append(fixture.db, session, first, 2, &error));
    g_assert_true(mnb_session_log_append(fixture.db, session, second, 1, &error));
    g_assert_no_error(error);
    g_assert_cmpint(mnb_session_log_next_seq(fixture.db, session, &error), ==, 4);
    g_autoptr(GString) all = g_string_new(NULL);
    g_assert_true(mnb_session_log_read(fixture.db, session, 0, join_entry, all, &error));
    g_assert_cmpstr(all->str, ==, "1:peer-joined:p1:{\"a\":1} 2:chat:p1:{} 3:recording:-:{} ");
    g_autoptr(GString) rest = g_string_new(NULL);
    g_assert_true(mnb_session_log_read(fixture.db, session, 2, join_entry, rest, &error));
    g_assert_cmpstr(rest->str, ==, "3:recording:-:{} ");
    fixture_close(&fixture);
}

static void assert_log_refused(MnbDb *db, const char *session, MnbLogEntry entry, int code)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(mnb_session_log_append(db, session, &entry, 1, &error));
    g_assert_error(error, MNB_ERROR, code);
}

static void test_log_refuses(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(MnbEvent) event = fixture_event(fixture.db, "Title", "");
    const char *id = event->session;
    g_autofree char *filler = g_strnfill(MNB_LOG_BODY_MAX, 'x');
    g_autofree char *huge = g_strdup_printf("{\"a\":\"%s\"}", filler);
    assert_log_refused(fixture.db, id, (MnbLogEntry){2, 0, "chat", NULL, "{}"}, MNB_ERROR_CONFLICT);
    assert_log_refused(fixture.db, id, (MnbLogEntry){0, 0, "chat", NULL, "{}"}, MNB_ERROR_CONFLICT);
    assert_log_refused(fixture.db, id, (MnbLogEntry){1, 0, "chat", NULL, "{"}, MNB_ERROR_INVALID);
    assert_log_refused(fixture.db, id, (MnbLogEntry){1, 0, "chat", NULL, "[]"}, MNB_ERROR_INVALID);
    assert_log_refused(fixture.db, id, (MnbLogEntry){1, 0, "chat", NULL, huge}, MNB_ERROR_INVALID);
    assert_log_refused(fixture.db, id, (MnbLogEntry){1, 0, "", NULL, "{}"}, MNB_ERROR_INVALID);
    assert_log_refused(fixture.db, "none", (MnbLogEntry){1, 0, "chat", NULL, "{}"},
                       MNB_ERROR_NOT_FOUND);
    MnbLogEntry entry = {1, NOW_US, "chat", NULL, "{}"};
    g_assert_true(mnb_session_log_append(fixture.db, id, &entry, 1, &error));
    assert_log_refused(fixture.db, id, entry, MNB_ERROR_CONFLICT);
    fixture_close(&fixture);
}

static void test_names(void)
{
    MnbEventKind kind = MNB_EVENT_SEMINAR;
    MnbAudience audience;
    g_assert_true(mnb_event_kind_parse("peer-exchange", &kind));
    g_assert_cmpint(kind, ==, MNB_EVENT_PEER_EXCHANGE);
    g_assert_false(mnb_event_kind_parse("Peer-exchange", &kind));
    g_assert_false(mnb_event_kind_parse(NULL, &kind));
    g_assert_cmpint(kind, ==, MNB_EVENT_PEER_EXCHANGE);
    g_assert_true(mnb_audience_parse("staff", &audience));
    g_assert_cmpstr(mnb_audience_to_string(MNB_AUDIENCE_LINK), ==, "link");
    g_assert_null(mnb_audience_to_string((MnbAudience)77));
    g_assert_cmpstr(mnb_recording_policy_to_string(MNB_RECORDING_POLICY_REVIEW), ==, "review");
    g_assert_cmpstr(mnb_session_state_to_string(MNB_SESSION_ENDED), ==, "ended");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recordings/event/keeps-every-field", test_keeps_fields);
    g_test_add_func("/recordings/event/can-be-changed", test_update);
    g_test_add_func("/recordings/event/refuses-bad-fields-by-name", test_refuses);
    g_test_add_func("/recordings/event/lists-live-then-soonest", test_list);
    g_test_add_func("/recordings/event/has-names-for-its-words", test_names);
    g_test_add_func("/recordings/session/goes-only-forward", test_session_states);
    g_test_add_func("/recordings/session-log/is-replayed-in-order", test_log_order);
    g_test_add_func("/recordings/session-log/refuses-gaps-and-bad-bodies", test_log_refuses);
    return g_test_run();
}
