#include "recordings/caption-file.h"
#include "recordings/captions.h"
#include "recordings/moment.h"
#include "recordings/session-log.h"
#include "server/base/error.h"
#include "tests/unit/recordings/fixture.h"
#include <string.h>

#define SECOND_US ((gint64)G_USEC_PER_SEC)
#define AYA       "aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BEN       "bbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CHI       "cccccccccccccccccccccccccc"

typedef struct {
    Fixture fixture;
    char *recording;
    char *session;
    MnbCaptureTimeline *timeline; /* one minute from NOW_US, and one from NOW_US + 70 s */
    gint64 seq;
} Moments;

static void set_up(Moments *self)
{
    g_autoptr(GError) error = NULL;
    memset(self, 0, sizeof *self);
    fixture_open_db(&self->fixture);
    g_autoptr(MnbEvent) event = fixture_event(self->fixture.db, "Waste", "廃棄物");
    g_autoptr(MnbRecording) recording = fixture_recording("Waste", "廃棄物");
    g_assert_true(mnb_recording_insert(self->fixture.db, recording, NOW_US, &error));
    self->recording = g_strdup(recording->id);
    self->session = g_strdup(event->session);
    g_autofree char *text = g_strdup_printf(
        "{\"version\":1,\"duration_us\":120000000,\"peers\":[],\"seen\":[],\"spoke\":[],\"parts\":["
        "{\"part\":1,\"started_unix_us\":%" G_GINT64_FORMAT
        ",\"at_us\":0,\"duration_us\":60000000},{\"part\":2,\"started_unix_us\":%" G_GINT64_FORMAT
        ",\"at_us\":60000000,\"duration_us\":60000000}]}",
        NOW_US, NOW_US + 70 * SECOND_US);
    self->timeline = mnb_capture_timeline_parse(text, strlen(text), &error);
    g_assert_no_error(error);
}

static void clear(Moments *self)
{
    mnb_capture_timeline_free(self->timeline);
    g_free(self->recording);
    g_free(self->session);
    fixture_close(&self->fixture);
}

static void add(Moments *self, int second, const char *type, const char *peer, const char *body)
{
    g_autoptr(GError) error = NULL;
    MnbLogEntry entry = {++self->seq, NOW_US + second * SECOND_US, type, peer, body};
    g_assert_true(mnb_session_log_append(self->fixture.db, self->session, &entry, 1, &error));
    g_assert_no_error(error);
}

/* Returns (owned): what is kept, as "who: text", joined with " | ". */
static char *kept(Moments *self, MnbMomentKind kind)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(mnb_moments_from_session(self->fixture.db, self->recording, self->session,
                                           self->timeline, &error));
    g_assert_no_error(error);
    g_autoptr(GPtrArray) moments =
        mnb_moment_list(self->fixture.db, self->recording, kind, NULL, &error);
    g_assert_no_error(error);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < moments->len; i++) {
        const MnbMoment *moment = g_ptr_array_index(moments, i);
        g_string_append_printf(text, "%s%s: %s", i > 0 ? " | " : "", moment->who, moment->text);
    }
    return g_string_free(text, FALSE);
}

static void join(Moments *self, const char *peer, const char *name, const char *consent)
{
    g_autofree char *body =
        g_strdup_printf("{\"name\":\"%s\"%s%s%s}", name, consent != NULL ? ",\"consent\":\"" : "",
                        consent != NULL ? consent : "", consent != NULL ? "\"" : "");
    add(self, 1, "peer-joined", peer, body);
}

static void test_consent(void)
{
    Moments self;
    set_up(&self);
    join(&self, AYA, "Aya", "yes");
    join(&self, BEN, "Ben", "no");
    join(&self, CHI, "Chi", NULL);
    add(&self, 2, "chat", AYA, "{\"text\":\"hello\",\"to\":\"all\"}");
    add(&self, 3, "chat", BEN, "{\"text\":\"not me\",\"to\":\"all\"}");
    add(&self, 4, "chat", CHI, "{\"text\":\"never asked\",\"to\":\"all\"}");
    add(&self, 5, "caption", BEN, "{\"language\":\"en\",\"text\":\"not me\",\"began_ms\":900}");
    g_autofree char *first = kept(&self, MNB_MOMENT_CHAT);
    g_assert_cmpstr(first, ==, "Aya: hello");
    g_autofree char *captions = kept(&self, MNB_MOMENT_CAPTION);
    g_assert_cmpstr(captions, ==, "");

    /* a yes taken back takes back what was said before; a later yes gives it */
    add(&self, 6, "peer-consent", AYA, "{\"answer\":\"no\"}");
    add(&self, 7, "peer-consent", CHI, "{\"answer\":\"yes\"}");
    g_autofree char *second = kept(&self, MNB_MOMENT_CHAT);
    g_assert_cmpstr(second, ==, "Chi: never asked");
    clear(&self);
}

/* Pages are moments for as long as they were shown; a deck begins a chapter unless one is near. */
static void test_slides(void)
{
    g_autoptr(GError) error = NULL;
    Moments self;
    set_up(&self);
    join(&self, AYA, "Aya", "yes");
    join(&self, BEN, "Ben", "no");
    add(&self, -5, "deck-added", AYA, "{\"deck\":\"d1\",\"name\":\"Flood map.pdf\"}");
    add(&self, -4, "deck-added", BEN, "{\"deck\":\"d2\",\"name\":\"secret.pdf\"}");
    add(&self, -3, "deck-shown", AYA, "{\"deck\":\"d1\"}");
    add(&self, 10, "page", AYA, "{\"page\":2}");
    add(&self, 20, "deck-shown", AYA, "{\"deck\":\"\"}");
    add(&self, 30, "deck-shown", BEN, "{\"deck\":\"d2\"}");
    add(&self, 40, "deck-shown", AYA, "{\"deck\":\"d1\"}");
    add(&self, 65, "page", AYA, "{\"page\":3}"); /* between the parts: where the next begins */
    g_autofree char *slides = kept(&self, MNB_MOMENT_SLIDE);
    g_assert_cmpstr(slides, ==, ": Flood map 1 | : Flood map 2 | : Flood map 2 | : Flood map 3");
    g_autoptr(GPtrArray) moments =
        mnb_moment_list(self.fixture.db, self.recording, MNB_MOMENT_SLIDE, NULL, &error);
    static const int seconds[][2] = {{0, 10}, {10, 20}, {40, 60}, {60, 120}};
    for (guint i = 0; i < G_N_ELEMENTS(seconds); i++) {
        const MnbMoment *moment = moments->pdata[i];
        g_assert_cmpint(moment->at_us, ==, seconds[i][0] * SECOND_US);
        g_assert_cmpint(moment->end_us, ==, seconds[i][1] * SECOND_US);
    }
    g_autoptr(MnbRecording) recording = mnb_recording_find(self.fixture.db, self.recording, &error);
    g_assert_cmpstr(recording->chapters, ==,
                    "[{\"at_ms\":0,\"title_en\":\"Flood map\",\"title_ja\":\"Flood map\"},"
                    "{\"at_ms\":40000,\"title_en\":\"Flood map\",\"title_ja\":\"Flood map\"}]");
    clear(&self);
}

static void test_what_is_not_for_all(void)
{
    Moments self;
    set_up(&self);
    join(&self, AYA, "Aya", "yes");
    add(&self, -5, "chat", AYA, "{\"text\":\"before\",\"to\":\"all\"}");
    add(&self, 2, "chat", AYA, "{\"text\":\"public\",\"to\":\"all\"}");
    add(&self, 3, "chat", AYA, "{\"text\":\"private\",\"to\":\"" BEN "\"}");
    add(&self, 4, "chat", AYA, "{\"text\":\"to hosts\",\"to\":\"facilitators\"}");
    add(&self, 60, "recording-paused", NULL, "{}");
    add(&self, 65, "chat", AYA, "{\"text\":\"in the pause\",\"to\":\"all\"}");
    add(&self, 69, "recording-started", NULL, "{\"recording\":\"" AYA "\"}");
    add(&self, 71, "chat", AYA, "{\"text\":\"again\",\"to\":\"all\"}");
    add(&self, 200, "chat", AYA, "{\"text\":\"after\",\"to\":\"all\"}");
    g_autofree char *text = kept(&self, MNB_MOMENT_CHAT);
    g_assert_cmpstr(text, ==, "Aya: public | Aya: again");
    clear(&self);
}

static void test_captions_of_people(void)
{
    Moments self;
    set_up(&self);
    MnbDb *db = self.fixture.db;
    g_autoptr(GError) error = NULL;
    join(&self, AYA, "Aya", "yes");
    add(&self, 5, "caption", AYA, "{\"language\":\"en\",\"text\":\"live\",\"began_ms\":900}");
    add(&self, 6, "caption", AYA, "{\"language\":\"ja\",\"text\":\"ライブ\",\"began_ms\":900}");
    g_autofree char *live = kept(&self, MNB_MOMENT_CAPTION);
    g_assert_cmpstr(live, ==, "Aya: live | Aya: ライブ");

    static const char file[] = "WEBVTT\n\n00:01.000 --> 00:02.000\ncorrected\n";
    g_autoptr(MnbCaptionFile) read = mnb_caption_file_read(file, strlen(file), 0);
    gint64 revision = 0;
    g_assert_true(
        mnb_caption_track_put(db, self.recording, "en", read->cues, 0, NOW_US, &revision, &error));
    g_assert_no_error(error);
    g_assert_cmpint(revision, ==, 1);
    g_autofree char *edited = kept(&self, MNB_MOMENT_CAPTION);
    g_assert_cmpstr(edited, ==, ": corrected | Aya: ライブ");

    /* what was taken away does not come back either; who is late finds out */
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_assert_false(mnb_caption_track_put(db, self.recording, "en", none, 0, NOW_US, NULL, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_true(mnb_caption_track_put(db, self.recording, "ja", none, -1, NOW_US, NULL, &error));
    g_autofree char *rest = kept(&self, MNB_MOMENT_CAPTION);
    g_assert_cmpstr(rest, ==, ": corrected");
    clear(&self);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recordings/moment/pages-are-there-while-they-were-shown", test_slides);
    g_test_add_func("/recordings/moment/who-has-not-agreed-is-not-in-it", test_consent);
    g_test_add_func("/recordings/moment/what-was-not-for-all-or-in-a-pause-is-left-out",
                    test_what_is_not_for_all);
    g_test_add_func("/recordings/moment/captions-of-people-are-not-replaced-by-live-ones",
                    test_captions_of_people);
    return g_test_run();
}
