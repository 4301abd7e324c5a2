#include "server/http/film-tracks.h"
#include "recordings/caption-file.h"
#include "recordings/language-names.h"
#include <string.h>

#define FOLDER      "subtitles-"
#define UNKNOWN     "und"
#define SEGMENT_US  (MNB_FILM_TRACKS_SEGMENT_S * (gint64)G_USEC_PER_SEC)
#define SEGMENT_MAX 9999
#define TAG_MAX     35

/* ---- the master playlist ---- */

static void append_renditions(GString *text, const GPtrArray *languages)
{
    for (guint i = 0; i < languages->len; i++) {
        const char *language = g_ptr_array_index(languages, i);
        const char *name = mnb_language_names(language);
        gboolean is_twice = FALSE; /* "en" and "en-GB" have one name */
        for (guint k = 0; k < languages->len; k++)
            is_twice |= k != i && strcmp(mnb_language_names(languages->pdata[k]), name) == 0;
        g_string_append_printf(text, "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subtitles\",NAME=\"%s",
                               name);
        if (is_twice && *language != '\0')
            g_string_append_printf(text, " (%s)", language);
        g_string_append(text, "\",");
        if (*language != '\0')
            g_string_append_printf(text, "LANGUAGE=\"%s\",", language);
        g_string_append_printf(
            text, "DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI=\"" FOLDER "%s/index.m3u8\"\n",
            *language != '\0' ? language : UNKNOWN);
    }
}

char *mnb_film_tracks_master(const char *master, const GPtrArray *languages, gboolean has_chapters)
{
    GString *text = g_string_new(NULL);
    gboolean is_begun = FALSE;
    g_auto(GStrv) lines = g_strsplit(master, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        gboolean is_variant = g_str_has_prefix(*line, "#EXT-X-STREAM-INF:");
        if (!is_begun && (is_variant || g_str_has_prefix(*line, "#EXT-X-MEDIA:"))) {
            is_begun = TRUE;
            if (has_chapters)
                g_string_append(text, "#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.chapters\","
                                      "URI=\"chapters.json\"\n");
            append_renditions(text, languages);
        }
        g_string_append(text, *line);
        if (is_variant && languages->len > 0)
            g_string_append(text, ",SUBTITLES=\"subtitles\"");
        if (line[1] != NULL)
            g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

/* ---- one language ---- */

static guint count_segments(gint64 duration_us)
{
    return (guint)CLAMP((duration_us + SEGMENT_US - 1) / SEGMENT_US, 1, SEGMENT_MAX + 1);
}

char *mnb_film_tracks_playlist(gint64 duration_us)
{
    GString *text = g_string_new(NULL);
    guint n = count_segments(duration_us);
    g_string_append_printf(text,
                           "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:%d\n"
                           "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n",
                           MNB_FILM_TRACKS_SEGMENT_S);
    for (guint i = 0; i < n; i++) {
        gint64 ms =
            MIN(MAX(duration_us, (gint64)G_USEC_PER_SEC) - (gint64)i * SEGMENT_US, SEGMENT_US) /
            1000;
        g_string_append_printf(text, "#EXTINF:%d.%03d,\n%u.vtt\n", (int)(ms / 1000),
                               (int)(ms % 1000), i);
    }
    g_string_append(text, "#EXT-X-ENDLIST\n");
    return g_string_free(text, FALSE);
}

char *mnb_film_tracks_segment(GPtrArray *captions, const MnbFilmEdit *edit, gint64 duration_us,
                              guint n)
{
    if (n >= count_segments(duration_us))
        return NULL;
    gint64 from_us = (gint64)n * SEGMENT_US, to_us = from_us + SEGMENT_US;
    /* The film's own time stamps begin at 0, and so do the captions' (RFC 8216 3.5). */
    GString *text = g_string_new("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n");
    for (guint i = 0; i < captions->len; i++) {
        const MnbMoment *caption = captions->pdata[i];
        gboolean is_cut_out;
        gint64 at_us = mnb_film_edit_to_film(edit, caption->at_us, &is_cut_out);
        gint64 end_us = at_us + MAX(caption->end_us - caption->at_us, 1000);
        if (!is_cut_out && at_us < to_us && end_us > from_us)
            mnb_caption_append_cue(text, at_us / 1000, end_us / 1000, caption->who, caption->text);
    }
    return g_string_free(text, FALSE);
}

/* ---- chapters ---- */

static void add_title(json_t *titles, const json_t *chapter, const char *key, const char *language)
{
    const char *title = json_string_value(json_object_get(chapter, key));
    if (title != NULL && *title != '\0')
        json_array_append_new(titles,
                              json_pack("{s:s, s:s}", "language", language, "title", title));
}

json_t *mnb_film_tracks_chapters(const json_t *chapters, gint64 duration_us)
{
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(chapters); i++) {
        const json_t *chapter = json_array_get(chapters, i),
                     *next = json_array_get(chapters, i + 1);
        json_int_t at_ms = json_integer_value(json_object_get(chapter, "at_ms"));
        json_int_t end_ms = next != NULL ? json_integer_value(json_object_get(next, "at_ms"))
                                         : MAX(duration_us / 1000, at_ms);
        json_t *titles = json_array();
        add_title(titles, chapter, "title_en", "en");
        add_title(titles, chapter, "title_ja", "ja");
        json_array_append_new(list, json_pack("{s:i, s:f, s:f, s:o}", "chapter", (int)i + 1,
                                              "start-time", (double)at_ms / 1000, "duration",
                                              (double)(end_ms - at_ms) / 1000, "titles", titles));
    }
    return list;
}

/* ---- paths ---- */

char *mnb_film_tracks_parse(const char *path, int *n_out)
{
    const char *tag = path + strlen(FOLDER);
    if (!g_str_has_prefix(path, FOLDER))
        return NULL;
    const char *slash = strchr(tag, '/');
    gsize length = slash != NULL ? (gsize)(slash - tag) : 0;
    if (length == 0 || length > TAG_MAX)
        return NULL;
    gsize digits = strspn(slash + 1, "0123456789");
    if (strcmp(slash + 1, "index.m3u8") == 0)
        *n_out = -1;
    else if (digits > 0 && digits <= 4 && strcmp(slash + 1 + digits, ".vtt") == 0)
        *n_out = (int)g_ascii_strtoll(slash + 1, NULL, 10);
    else
        return NULL;
    return strncmp(tag, UNKNOWN "/", strlen(UNKNOWN "/")) == 0 ? g_strdup("")
                                                               : g_strndup(tag, length);
}
