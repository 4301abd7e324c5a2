#include "server/http/ical.h"
#include <string.h>

#define URL "https://manabi.example/events/0123456789abcdefghjkmnpqrs"

static MnbEvent event(const char *zone, const char *starts)
{
    g_autoptr(GDateTime) at = g_date_time_new_from_iso8601(starts, NULL);
    static char en[] = "en", ja[] = "ja", *languages[] = {en, ja, NULL};
    return (MnbEvent){
        .id = (char *)"0123456789abcdefghjkmnpqrs",
        .title_en = (char *)"Flood drills; streets, schools",
        .title_ja = (char *)"水害訓練",
        .summary_en = (char *)"Line one\nline two",
        .summary_ja = (char *)"",
        .starts_us = g_date_time_to_unix(at) * G_USEC_PER_SEC,
        .duration_s = 5400,
        .time_zone = (char *)zone,
        .languages = languages,
        .created_us = (gint64)1700000000 * G_USEC_PER_SEC,
        .updated_us = (gint64)1700000090 * G_USEC_PER_SEC,
    };
}

static char *write_one(const MnbEvent *one, MnbIcalLanguage language, const char *url,
                       gboolean is_link)
{
    g_autoptr(MnbIcal) ical = mnb_ical_new(language, NULL);
    g_assert_true(
        mnb_ical_add(ical, one, language == MNB_ICAL_JA ? "北九州市" : "Kitakyushu", url, is_link));
    g_autofree char *folded = mnb_ical_to_text(ical);
    g_auto(GStrv) parts = g_strsplit(folded, "\r\n ", -1);
    return g_strjoinv("", parts);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        g_error("\"%s\" is not in\n%s", part, text);
}

static guint count(const char *text, const char *part)
{
    guint n = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        n++;
    return n;
}

static void test_event(void)
{
    MnbEvent one = event("Asia/Tokyo", "2026-12-01T05:00:00Z");
    g_autofree char *text = write_one(&one, MNB_ICAL_EN, URL, FALSE);
    assert_has(text, "BEGIN:VCALENDAR\r\n");
    assert_has(text, "UID:0123456789abcdefghjkmnpqrs@manabi\r\n");
    assert_has(text, "DTSTART;TZID=Asia/Tokyo:20261201T140000\r\n");
    assert_has(text, "DTEND;TZID=Asia/Tokyo:20261201T153000\r\n");
    assert_has(text, "DTSTAMP:20231114T221450Z\r\n");
    assert_has(text, "SEQUENCE:90\r\n");
    assert_has(text, "SUMMARY;LANGUAGE=en:Flood drills\\; streets\\, schools\r\n");
    assert_has(text, "DESCRIPTION:Line one\\nline two\\n\\nAbout this event:\\n" URL "\r\n");
    assert_has(text, "LOCATION;LANGUAGE=en:Kitakyushu\r\n");
    assert_has(text, "URL:" URL "\r\n");
}

static void test_languages(void)
{
    MnbEvent one = event("Asia/Tokyo", "2026-12-01T05:00:00Z");
    g_autofree char *japanese = write_one(&one, MNB_ICAL_JA, URL "#t", TRUE);
    assert_has(japanese, "SUMMARY;LANGUAGE=ja:水害訓練\r\n");
    assert_has(japanese, "Line one\\nline two"); /* the other language's, where there is none */
    assert_has(japanese, "参加用リンク:\\n" URL "#t\r\n");
    one.title_ja = (char *)"";
    g_autofree char *english = write_one(&one, MNB_ICAL_JA, URL, FALSE);
    assert_has(english, "SUMMARY;LANGUAGE=en:Flood drills");
}

static void test_zone_without_changes(void)
{
    MnbEvent one = event("Asia/Tokyo", "2026-12-01T05:00:00Z");
    g_autofree char *text = write_one(&one, MNB_ICAL_EN, URL, FALSE);
    assert_has(text, "BEGIN:VTIMEZONE\r\nTZID:Asia/Tokyo\r\n");
    g_assert_cmpuint(count(text, "BEGIN:STANDARD"), ==, 1);
    g_assert_cmpuint(count(text, "BEGIN:DAYLIGHT"), ==, 0);
    assert_has(text, "TZOFFSETTO:+0900\r\n");
}

static void test_summer_time(void)
{
    /* Clocks in Berlin go back on 25 October 2026 at 01:00 UTC, and forward on 28 March 2027. */
    MnbEvent summer = event("Europe/Berlin", "2026-10-24T06:00:00Z");
    MnbEvent winter = event("Europe/Berlin", "2026-10-26T06:00:00Z");
    g_autofree char *before = write_one(&summer, MNB_ICAL_EN, URL, FALSE);
    g_autofree char *after = write_one(&winter, MNB_ICAL_EN, URL, FALSE);
    assert_has(before, "DTSTART;TZID=Europe/Berlin:20261024T080000\r\n");
    assert_has(after, "DTSTART;TZID=Europe/Berlin:20261026T070000\r\n");
    const char *const both[] = {before, after};
    for (guint i = 0; i < G_N_ELEMENTS(both); i++) {
        assert_has(both[i],
                   "DTSTART:20261025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n");
        assert_has(both[i],
                   "DTSTART:20270328T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n");
    }
}

static void test_utc(void)
{
    MnbEvent one = event("UTC", "2026-12-01T05:00:00Z");
    g_autofree char *text = write_one(&one, MNB_ICAL_EN, URL, FALSE);
    assert_has(text, "DTSTART:20261201T050000Z\r\n");
    g_assert_cmpuint(count(text, "VTIMEZONE"), ==, 0);
}

static void test_feed(void)
{
    g_autoptr(MnbIcal) ical = mnb_ical_new(MNB_ICAL_EN, "City learning events");
    MnbEvent first = event("Asia/Tokyo", "2026-12-01T05:00:00Z");
    MnbEvent second = event("Asia/Tokyo", "2027-02-01T05:00:00Z");
    MnbEvent lost = event("Mars/Olympus", "2027-02-01T05:00:00Z");
    g_assert_true(mnb_ical_add(ical, &first, "Kobe", URL, FALSE));
    g_assert_true(mnb_ical_add(ical, &second, "Kobe", URL, FALSE));
    g_assert_false(mnb_ical_add(ical, &lost, "Kobe", URL, FALSE));
    g_autofree char *text = mnb_ical_to_text(ical);
    g_assert_cmpuint(count(text, "BEGIN:VEVENT"), ==, 2);
    g_assert_cmpuint(count(text, "BEGIN:VTIMEZONE"), ==, 1);
    assert_has(text, "X-WR-CALNAME:City learning events\r\n");
    assert_has(text, "\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n");
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    for (guint i = 0; lines[i] != NULL; i++)
        g_assert_cmpuint(strlen(lines[i]), <=, 75);
}

/* A title may hold anything; none of it becomes a line of its own. */
static void test_hostile_title(void)
{
    MnbEvent one = event("Asia/Tokyo", "2026-12-01T05:00:00Z");
    one.title_en = (char *)"x\r\nATTACH:http://evil.example/\nEND:VEVENT";
    g_autofree char *text = write_one(&one, MNB_ICAL_EN, URL, FALSE);
    g_assert_cmpuint(count(text, "\nATTACH"), ==, 0);
    g_assert_cmpuint(count(text, "\nEND:VEVENT"), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ical/an-event-has-its-hours-in-its-own-zone", test_event);
    g_test_add_func("/ical/texts-are-in-the-language-asked-for-where-there-are-any",
                    test_languages);
    g_test_add_func("/ical/a-zone-without-changes-has-one-observance", test_zone_without_changes);
    g_test_add_func("/ical/hours-are-right-on-both-sides-of-a-change-of-summer-time",
                    test_summer_time);
    g_test_add_func("/ical/utc-needs-no-zone", test_utc);
    g_test_add_func("/ical/a-feed-has-each-zone-once-and-folded-lines", test_feed);
    g_test_add_func("/ical/a-title-cannot-add-a-line", test_hostile_title);
    return g_test_run();
}
