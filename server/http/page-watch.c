/* The watch page for whoever runs no script, the player for other sites' pages, and oEmbed. */
#include "recordings/film-edit.h"
#include "recordings/moment.h"
#include "server/http/api.h"
#include "server/http/objects.h"
#include "server/http/page.h"
#include <string.h>

#define CUES_MAX     2000 /* of one language in the page */
#define EMBED_WIDTH  640
#define EMBED_HEIGHT 360

/* What a film has for a plain player: addresses below our own. Owned. */
typedef struct {
    char *video, *audio, *poster;
    int width, height;   /* of the best picture; 0: not known */
    GPtrArray *captions; /* char *, languages */
} Files;

static void clear_files(Files *files)
{
    g_free(files->video);
    g_free(files->audio);
    g_free(files->poster);
    g_clear_pointer(&files->captions, g_ptr_array_unref);
}

static gboolean find_files(MnbDb *db, const MnbRecording *recording, Files *files, GError **error)
{
    *files = (Files){0};
    g_autoptr(GPtrArray) renditions = mnb_rendition_list(db, recording->id, error);
    files->captions = renditions != NULL ? mnb_moment_languages(db, recording->id, error) : NULL;
    if (files->captions == NULL)
        return FALSE;
    for (guint i = 0; i < renditions->len; i++) {
        const MnbRendition *one = renditions->pdata[i];
        gboolean is_audio = g_str_has_suffix(one->path, ".m4a");
        char **file = one->kind == MNB_RENDITION_POSTER     ? &files->poster
                      : one->kind != MNB_RENDITION_DOWNLOAD ? NULL
                      : is_audio                            ? &files->audio
                                                            : &files->video;
        if (one->height > files->height) {
            files->width = one->width;
            files->height = one->height;
        }
        if (file != NULL && *file == NULL)
            *file = mnb_json_media_url(recording, one->path);
    }
    return TRUE;
}

/* Published, and for whoever has its address. NULL without an answer. */
static MnbRecording *find_open(MnbHttpRequest *request, const char *id)
{
    g_autoptr(MnbRecording) recording = mnb_recording_find(mnb_http_request_db(request), id, NULL);
    if (recording == NULL || !mnb_recording_may_watch(recording, FALSE))
        return NULL;
    return g_steal_pointer(&recording);
}

static guint start_of(MnbHttpRequest *request)
{
    const char *text = mnb_http_request_query(request, "t");
    guint64 seconds = 0;
    if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 0, 200000, &seconds, NULL))
        return 0;
    return (guint)seconds;
}

static const char *name_of_language(const MnbPage *page, const char *tag)
{
    if (strcmp(tag, "ja") == 0)
        return "日本語";
    if (strcmp(tag, "en") == 0)
        return "English";
    return tag[0] != '\0' ? tag : page->is_ja ? "原語" : "original";
}

static void add_video(MnbPage *page, const MnbRecording *recording, const Files *files,
                      const char *class)
{
    guint start_s = start_of(page->request);
    g_autofree char *start = start_s > 0 ? g_strdup_printf("#t=%u", start_s) : g_strdup("");
    const char *file = files->video != NULL ? files->video : files->audio;
    if (file == NULL)
        return;
    mnb_page_add(page, "<video class=\"%s\" controls preload=\"none\" playsinline src=\"%s%s\"",
                 class, file, start);
    if (files->poster != NULL)
        mnb_page_add(page, " poster=\"%s\"", files->poster);
    mnb_page_add(page, " aria-label=\"%s\">\n",
                 mnb_page_pick(page, recording->title_en, recording->title_ja));
    for (guint i = 0; i < files->captions->len; i++) {
        const char *tag = files->captions->pdata[i];
        mnb_page_add(page,
                     "<track kind=\"captions\" srclang=\"%s\" label=\"%s\" "
                     "src=\"/api/v1/recordings/%s/captions.vtt?lang=%s\">\n",
                     tag, name_of_language(page, tag), recording->id, tag);
    }
    mnb_page_add(page,
                 "<track kind=\"chapters\" src=\"/api/v1/recordings/%s/chapters.vtt?lang=%s\">\n"
                 "</video>\n",
                 recording->id, page->is_ja ? "ja" : "en");
}

static void add_time_link(MnbPage *page, const MnbRecording *recording, gint64 seconds)
{
    g_autofree char *clock = mnb_page_clock(seconds);
    mnb_page_add(page, "<li><a href=\"/watch/%s?t=%d\">%s</a> ", recording->id, (int)seconds,
                 clock);
}

static void add_chapters(MnbPage *page, const MnbRecording *recording)
{
    json_t *chapters = mnb_json_chapters(recording);
    size_t i;
    const json_t *chapter;
    if (json_array_size(chapters) > 0)
        mnb_page_add(page, "<h2>%s</h2>\n<ol class=\"plain-lines\">\n",
                     page->is_ja ? "チャプター" : "Chapters");
    json_array_foreach(chapters, i, chapter)
    {
        const char *en = json_string_value(json_object_get(chapter, "title_en"));
        const char *ja = json_string_value(json_object_get(chapter, "title_ja"));
        add_time_link(page, recording,
                      json_integer_value(json_object_get(chapter, "at_ms")) / 1000);
        mnb_page_add(page, "<span lang=\"%s\">%s</span></li>\n", mnb_page_lang(page, en, ja),
                     mnb_page_pick(page, en, ja));
    }
    if (json_array_size(chapters) > 0)
        mnb_page_add(page, "</ol>\n");
    json_decref(chapters);
}

static gboolean add_transcript(MnbPage *page, const MnbRecording *recording, const char *language,
                               GError **error)
{
    g_autoptr(GPtrArray) moments = mnb_moment_list(
        mnb_http_request_db(page->request), recording->id, MNB_MOMENT_CAPTION, language, error);
    if (moments == NULL)
        return FALSE;
    MnbFilmEdit edit;
    mnb_film_edit_read(recording->edit_made, 1000, &edit);
    mnb_page_add(
        page, "<details><summary>%s (%s)</summary>\n<ol class=\"plain-lines\" lang=\"%s\">\n",
        page->is_ja ? "文字起こし" : "Transcript", name_of_language(page, language), language);
    guint n = 0;
    for (guint i = 0; i < moments->len && n < CUES_MAX; i++) {
        const MnbMoment *moment = moments->pdata[i];
        gboolean is_cut_out;
        gint64 at_us = mnb_film_edit_to_film(&edit, moment->at_us, &is_cut_out);
        if (is_cut_out)
            continue;
        n++;
        add_time_link(page, recording, at_us / G_USEC_PER_SEC);
        mnb_page_add(page, "%s</li>\n", moment->text);
    }
    mnb_page_add(page, "</ol></details>\n");
    return TRUE;
}

static const char *licence_url(const char *licence)
{
    static const struct {
        const char *licence, *url;
    } known[] = {{"cc-by-4.0", "https://creativecommons.org/licenses/by/4.0/"},
                 {"cc-by-sa-4.0", "https://creativecommons.org/licenses/by-sa/4.0/"},
                 {"cc-by-nc-4.0", "https://creativecommons.org/licenses/by-nc/4.0/"},
                 {"cc-by-nd-4.0", "https://creativecommons.org/licenses/by-nd/4.0/"},
                 {"cc0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"}};
    for (guint i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_strcmp0(licence, known[i].licence) == 0)
            return known[i].url;
    return NULL;
}

static void set_url(json_t *json, const char *name, MnbHttpRequest *request, const char *path)
{
    if (path == NULL)
        return;
    g_autofree char *url = mnb_page_url(request, path);
    json_object_set_new(json, name, json_string(url));
}

/* Chapters as clips, so that search engines can point into the film. */
static void add_clips(MnbPage *page, json_t *json, const MnbRecording *recording, const char *url)
{
    json_t *chapters = mnb_json_chapters(recording);
    json_t *clips = json_array();
    for (size_t i = 0; i < json_array_size(chapters); i++) {
        const json_t *chapter = json_array_get(chapters, i);
        const json_t *next = json_array_get(chapters, i + 1);
        json_int_t start_s = json_integer_value(json_object_get(chapter, "at_ms")) / 1000;
        json_int_t end_s = next != NULL ? json_integer_value(json_object_get(next, "at_ms")) / 1000
                                        : recording->duration_us / G_USEC_PER_SEC;
        g_autofree char *at = g_strdup_printf("%s?t=%d", url, (int)start_s);
        const char *name =
            mnb_page_pick(page, json_string_value(json_object_get(chapter, "title_en")),
                          json_string_value(json_object_get(chapter, "title_ja")));
        json_array_append_new(clips, json_pack("{s:s, s:s, s:I, s:I, s:s}", "@type", "Clip", "name",
                                               name, "startOffset", start_s, "endOffset",
                                               MAX(end_s, start_s + 1), "url", at));
    }
    if (json_array_size(clips) > 0)
        json_object_set(json, "hasPart", clips);
    json_decref(clips);
    json_decref(chapters);
}

static json_t *video_data(MnbPage *page, const MnbRecording *recording, const Files *files,
                          const char *url)
{
    const char *title = mnb_page_pick(page, recording->title_en, recording->title_ja);
    const char *about = mnb_page_pick(page, recording->description_en, recording->description_ja);
    g_autofree char *published = mnb_page_time(recording->published_us);
    g_autofree char *duration = mnb_page_duration(recording->duration_us / G_USEC_PER_SEC);
    g_autofree char *city = mnb_page_city(page, recording->city);
    g_autofree char *embed = g_strconcat("/embed/", recording->id, NULL);
    json_t *languages = json_array();
    for (guint i = 0; recording->languages[i] != NULL; i++)
        json_array_append_new(languages, json_string(recording->languages[i]));
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:{s:s, s:s}}", "@context",
                             "https://schema.org", "@type", "VideoObject", "name", title,
                             "description", about[0] != '\0' ? about : title, "uploadDate",
                             published, "duration", duration, "url", url, "inLanguage", languages,
                             "contentLocation", "@type", "City", "name", city);
    set_url(json, "thumbnailUrl", page->request, files->poster);
    set_url(json, "contentUrl", page->request, files->video);
    set_url(json, "embedUrl", page->request, embed);
    const char *licence = licence_url(recording->licence);
    if (licence != NULL)
        json_object_set_new(json, "license", json_string(licence));
    add_clips(page, json, recording, url);
    return json;
}

static void add_head(MnbPage *page, const MnbRecording *recording, const Files *files,
                     const char *path)
{
    g_autofree char *url = mnb_page_url(page->request, path);
    mnb_page_set_about(page, path, mnb_page_pick(page, recording->title_en, recording->title_ja),
                       mnb_page_pick(page, recording->description_en, recording->description_ja),
                       "video.other");
    if (files->poster != NULL) {
        g_autofree char *poster = mnb_page_url(page->request, files->poster);
        mnb_page_add_head(page, "<meta property=\"og:image\" content=\"%s\">\n", poster);
    }
    if (files->video != NULL) {
        g_autofree char *video = mnb_page_url(page->request, files->video);
        mnb_page_add_head(page,
                          "<meta property=\"og:video\" content=\"%s\">\n"
                          "<meta property=\"og:video:type\" content=\"video/mp4\">\n",
                          video);
    }
    if (recording->audience != MNB_AUDIENCE_PUBLIC) {
        mnb_page_add_head(page, "<meta name=\"robots\" content=\"noindex\">\n");
        return;
    }
    g_autofree char *escaped = g_uri_escape_string(url, NULL, FALSE);
    mnb_page_add_head(page,
                      "<link rel=\"alternate\" type=\"application/json+oembed\" "
                      "href=\"/oembed?url=%s\">\n",
                      escaped);
    mnb_page_set_data(page, video_data(page, recording, files, url));
}

static void add_facts(MnbPage *page, const MnbRecording *recording, const Files *files)
{
    g_autofree char *city = mnb_page_city(page, recording->city);
    g_autofree char *area = mnb_page_area(page, recording->area);
    g_autofree char *date = mnb_page_date(page, recording->recorded_us);
    g_autofree char *length = mnb_page_clock(recording->duration_us / G_USEC_PER_SEC);
    mnb_page_add(page,
                 "<p><a href=\"/?city=%s\">%s</a> · <a href=\"/?area=%s\">%s</a> · %s · %s</p>\n",
                 recording->city, city, recording->area, area, date, length);
    mnb_page_add(page, "<p class=\"prose\" lang=\"%s\">%s</p>\n",
                 mnb_page_lang(page, recording->description_en, recording->description_ja),
                 mnb_page_pick(page, recording->description_en, recording->description_ja));
    if (files->video != NULL)
        mnb_page_add(page, "<p><a href=\"%s?download=1\">%s</a></p>\n", files->video,
                     page->is_ja ? "動画をダウンロード" : "Download the video");
    if (files->audio != NULL)
        mnb_page_add(page, "<p><a href=\"%s?download=1\">%s</a></p>\n", files->audio,
                     page->is_ja ? "音声をダウンロード" : "Download the sound");
}

void mnb_api_page_watch(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbPage) page = mnb_page_new(request);
    g_autoptr(MnbRecording) recording = find_open(request, mnb_http_request_param(request, 0));
    if (recording == NULL) {
        /* The client asks for itself, with what its tab holds. */
        mnb_page_answer(page, 404);
        return;
    }
    Files files;
    gboolean ok = find_files(mnb_http_request_db(request), recording, &files, &error);
    if (ok) {
        g_autofree char *path = g_strconcat("/watch/", recording->id, NULL);
        add_head(page, recording, &files, path);
        mnb_page_add(page, "<h1 lang=\"%s\">%s</h1>\n",
                     mnb_page_lang(page, recording->title_en, recording->title_ja),
                     mnb_page_pick(page, recording->title_en, recording->title_ja));
        add_video(page, recording, &files, "plain-film");
        add_facts(page, recording, &files);
        add_chapters(page, recording);
        for (guint i = 0; ok && i < files.captions->len; i++)
            ok = add_transcript(page, recording, files.captions->pdata[i], &error);
    }
    clear_files(&files);
    if (ok)
        mnb_page_answer(page, 200);
    else
        mnb_http_request_answer_error(request, error);
}

/* ---- in other sites' pages ---- */

void mnb_api_page_embed(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbPage) page = mnb_page_new(request);
    g_autoptr(MnbRecording) recording = find_open(request, mnb_http_request_param(request, 0));
    Files files = {0};
    if (recording == NULL) {
        mnb_http_request_answer_not_found(request);
        return;
    }
    if (!find_files(mnb_http_request_db(request), recording, &files, &error)) {
        clear_files(&files);
        mnb_http_request_answer_error(request, error);
        return;
    }
    const char *title = mnb_page_pick(page, recording->title_en, recording->title_ja);
    mnb_page_add(page,
                 "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta name=\"robots\" content=\"noindex\">\n<title>%s</title>\n"
                 "<link rel=\"stylesheet\" href=\"/embed.css\">\n</head>\n<body>\n",
                 page->is_ja ? "ja" : "en", title);
    add_video(page, recording, &files, "embed");
    mnb_page_add(page,
                 "<p><a href=\"/watch/%s\" target=\"_blank\" rel=\"noopener\">%s · Manabi</a></p>\n"
                 "</body>\n</html>\n",
                 recording->id, title);
    clear_files(&files);
    mnb_http_request_set_header(request, "Cache-Control", "no-cache");
    mnb_http_request_answer_text(request, 200, "text/html; charset=utf-8", page->body->str);
}

/* ---- oEmbed 1.0 ---- */

/* The id in an address of our watch or embed page. Owned; NULL: it is none. */
static char *id_in(MnbHttpRequest *request, const char *url)
{
    const char *base = mnb_http_request_services(request)->public_url;
    if (url == NULL || !g_str_has_prefix(url, base))
        return NULL;
    const char *path = url + strlen(base);
    const char *id = g_str_has_prefix(path, "/watch/")   ? path + strlen("/watch/")
                     : g_str_has_prefix(path, "/embed/") ? path + strlen("/embed/")
                                                         : NULL;
    if (id == NULL)
        return NULL;
    gsize length = strcspn(id, "?#/");
    return length == 26 ? g_strndup(id, length) : NULL;
}

static int within(const char *text, int wanted)
{
    guint64 most = 0;
    if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 1, 10000, &most, NULL))
        return wanted;
    return MIN(wanted, (int)most);
}

void mnb_api_oembed(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    const char *format = mnb_http_request_query(request, "format");
    g_autofree char *id = id_in(request, mnb_http_request_query(request, "url"));
    g_autoptr(MnbRecording) recording = id != NULL ? find_open(request, id) : NULL;
    g_autoptr(MnbPage) page = mnb_page_new(request);
    Files files = {0};
    if (format != NULL && strcmp(format, "json") != 0) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(501, "wrong-type", "oEmbed is given as json only"));
        return;
    }
    if (recording == NULL || recording->audience != MNB_AUDIENCE_PUBLIC) {
        mnb_http_request_answer_not_found(request);
        return;
    }
    if (!find_files(mnb_http_request_db(request), recording, &files, &error)) {
        clear_files(&files);
        mnb_http_request_answer_error(request, error);
        return;
    }
    int width = within(mnb_http_request_query(request, "maxwidth"), EMBED_WIDTH);
    int height = within(mnb_http_request_query(request, "maxheight"),
                        MAX(width * EMBED_HEIGHT / EMBED_WIDTH, 1));
    const char *title = mnb_page_pick(page, recording->title_en, recording->title_ja);
    g_autofree char *city = mnb_page_city(page, recording->city);
    g_autofree char *path = g_strconcat("/embed/", recording->id, NULL);
    g_autofree char *src = mnb_page_url(request, path);
    g_autofree char *html = g_markup_printf_escaped(
        "<iframe src=\"%s\" width=\"%d\" height=\"%d\" title=\"%s\" allowfullscreen></iframe>", src,
        width, height, title);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s}", "version", "1.0", "type",
                  "video", "title", title, "author_name", city, "provider_name", "Manabi",
                  "provider_url", mnb_http_request_services(request)->public_url, "width", width,
                  "height", height, "html", html);
    if (files.poster != NULL && files.width > 0) {
        set_url(json, "thumbnail_url", request, files.poster);
        json_object_set_new(json, "thumbnail_width", json_integer(files.width));
        json_object_set_new(json, "thumbnail_height", json_integer(files.height));
    }
    clear_files(&files);
    mnb_http_request_answer_json(request, 200, json);
}
