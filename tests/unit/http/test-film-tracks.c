#include "server/http/film-tracks.h"

#include <string.h>

#define S ((gint64)G_USEC_PER_SEC)

static const char master[] =
    "#EXTM3U\n#EXT-X-VERSION:7\n"
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"x\",URI=\"a/i.m3u8\"\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"audio\"\n720p/index.m3u8\n";

static GPtrArray *tags(const char *text)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) parts = g_strsplit(text, " ", -1);
    for (char **part = parts; *part != NULL; part++)
        g_ptr_array_add(list, g_strdup(*part));
    return list;
}

static void test_master(void)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autofree char *same = mnb_film_tracks_master(master, none, FALSE);
    g_assert_cmpstr(same, ==, master);
    g_autoptr(GPtrArray) languages = tags("ja en en-GB");
    g_autofree char *text = mnb_film_tracks_master(master, languages, TRUE);
    g_assert_true(g_str_has_prefix(
        text, "#EXTM3U\n#EXT-X-VERSION:7\n"
              "#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.chapters\",URI=\"chapters.json\"\n"
              "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subtitles\",NAME=\"Japanese / 日本語\","
              "LANGUAGE=\"ja\",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,"
              "URI=\"subtitles-ja/index.m3u8\"\n"));
    g_assert_nonnull(strstr(text, "NAME=\"English / 英語 (en-GB)\",LANGUAGE=\"en-GB\""));
    g_assert_true(g_str_has_suffix(text, "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"audio\","
                                         "SUBTITLES=\"subtitles\"\n720p/index.m3u8\n"));
    g_autoptr(GPtrArray) unknown = tags("");
    g_ptr_array_set_size(unknown, 0);
    g_ptr_array_add(unknown, g_strdup(""));
    g_autofree char *und = mnb_film_tracks_master(master, unknown, FALSE);
    g_assert_nonnull(strstr(und, "URI=\"subtitles-und/index.m3u8\""));
    g_assert_null(strstr(und, "LANGUAGE"));
}

static void test_playlist(void)
{
    g_autofree char *text = mnb_film_tracks_playlist(125 * S + 500000);
    g_assert_nonnull(
        strstr(text, "#EXTINF:60.000,\n1.vtt\n#EXTINF:5.500,\n2.vtt\n#EXT-X-ENDLIST\n"));
    g_autofree char *whole = mnb_film_tracks_playlist(60 * S);
    g_assert_nonnull(strstr(whole, "#EXTINF:60.000,\n0.vtt\n#EXT-X-ENDLIST\n"));
    g_autofree char *nothing = mnb_film_tracks_playlist(0);
    g_assert_nonnull(strstr(nothing, "#EXTINF:1.000,\n0.vtt\n#EXT-X-ENDLIST\n"));
}

static void add(GPtrArray *list, gint64 at_us, gint64 end_us, const char *text)
{
    MnbMoment *moment = g_new0(MnbMoment, 1);
    moment->kind = MNB_MOMENT_CAPTION;
    moment->at_us = at_us;
    moment->end_us = end_us;
    moment->who = g_strdup("");
    moment->language = g_strdup("");
    moment->text = g_strdup(text);
    g_ptr_array_add(list, moment);
}

static void test_segment(void)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)mnb_moment_free);
    MnbFilmEdit edit = {.n = 1, .ranges = {{10 * S, 200 * S}}};
    add(list, 5 * S, 6 * S, "cut");
    add(list, 68 * S, 72 * S, "over <the> border");
    add(list, 75 * S, 76 * S, "late");
    g_autofree char *first = mnb_film_tracks_segment(list, &edit, 190 * S, 0);
    g_autofree char *second = mnb_film_tracks_segment(list, &edit, 190 * S, 1);
    g_autofree char *third = mnb_film_tracks_segment(list, &edit, 190 * S, 2);
    g_assert_cmpstr(first, ==,
                    "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n"
                    "00:00:58.000 --> 00:01:02.000\nover &lt;the&gt; border\n\n");
    g_assert_nonnull(strstr(second, "00:00:58.000 --> 00:01:02.000\n"));
    g_assert_nonnull(strstr(second, "00:01:05.000 --> 00:01:06.000\nlate\n"));
    g_assert_cmpstr(third, ==, "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n");
    g_assert_null(mnb_film_tracks_segment(list, &edit, 190 * S, 4));
}

static void test_paths(void)
{
    static const char *const wrong[] = {
        "subtitles-ja",           "subtitles-/index.m3u8",    "subtitles-ja/index.m3u",
        "subtitles-ja/.vtt",      "subtitles-ja/1.vttx",      "subtitles-ja/-1.vtt",
        "subtitles-ja/12345.vtt", "subtitles-ja/1/2.vtt",     "720p/index.m3u8",
        "subtitles-ja/1x.vtt",    "x/subtitles-ja/index.m3u8"};
    int n;
    g_autofree char *list = mnb_film_tracks_parse("subtitles-zh-Hant/index.m3u8", &n);
    g_assert_cmpstr(list, ==, "zh-Hant");
    g_assert_cmpint(n, ==, -1);
    g_autofree char *segment = mnb_film_tracks_parse("subtitles-und/120.vtt", &n);
    g_assert_cmpstr(segment, ==, "");
    g_assert_cmpint(n, ==, 120);
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_null(mnb_film_tracks_parse(wrong[i], &n));
}

static void test_chapters(void)
{
    json_t *chapters =
        json_pack("[{s:i, s:s, s:s}, {s:i, s:s, s:s}]", "at_ms", 0, "title_en", "Hello", "title_ja",
                  "", "at_ms", 2500, "title_en", "End", "title_ja", "終わり");
    json_t *list = mnb_film_tracks_chapters(chapters, 10 * S);
    json_t *wanted =
        json_pack("[{s:i, s:f, s:f, s:[{s:s, s:s}]}, {s:i, s:f, s:f, s:[{s:s, s:s}, {s:s, s:s}]}]",
                  "chapter", 1, "start-time", 0.0, "duration", 2.5, "titles", "language", "en",
                  "title", "Hello", "chapter", 2, "start-time", 2.5, "duration", 7.5, "titles",
                  "language", "en", "title", "End", "language", "ja", "title", "終わり");
    g_assert_true(json_equal(list, wanted));
    json_decref(wanted);
    json_decref(list);
    json_decref(chapters);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/film-tracks/are-named-in-the-master-playlist", test_master);
    g_test_add_func("/film-tracks/are-cut-into-minutes", test_playlist);
    g_test_add_func("/film-tracks/a-minute-has-every-cue-that-is-seen-in-it", test_segment);
    g_test_add_func("/film-tracks/other-paths-are-files", test_paths);
    g_test_add_func("/film-tracks/chapters-have-titles-in-their-languages", test_chapters);
    return g_test_run();
}
