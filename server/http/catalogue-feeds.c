/* What programs read of the catalogue: RSS with podcast tags, sitemap.xml, robots.txt. */
#include "recordings/moment.h"
#include "recordings/search.h"
#include "server/http/api.h"
#include "server/http/objects.h"
#include "server/http/page.h"
#include <string.h>

#define FEED_ITEMS   50
#define SITEMAP_PAGE 2000 /* addresses in one file */

static void add(GString *text, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void add(GString *text, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    g_autofree char *xml = g_markup_vprintf_escaped(format, values);
    va_end(values);
    g_string_append(text, xml);
}

/* Text that people wrote may hold what XML cannot, escaped or not. Owned. */
static char *for_xml(const char *text)
{
    char *clean = g_strdup(text);
    for (char *c = clean; *c != '\0'; c++)
        if ((guchar)*c < 0x20 && strchr("\t\n\r", *c) == NULL)
            *c = ' ';
    return clean;
}

static void answer_xml(MnbHttpRequest *request, const char *type, const GString *text)
{
    mnb_http_request_set_header(request, "Cache-Control", "public, no-cache");
    mnb_http_request_answer_text(request, 200, type, text->str);
}

/* ---- RSS ---- */

/* RFC 822, as RSS wants it, whatever the locale. Owned. */
static char *rss_time(gint64 wall_us)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(wall_us / G_USEC_PER_SEC);
    if (time == NULL)
        return g_strdup("");
    return g_strdup_printf(
        "%s, %02d %s %04d %02d:%02d:%02d GMT", days[g_date_time_get_day_of_week(time) - 1],
        g_date_time_get_day_of_month(time), months[g_date_time_get_month(time) - 1],
        g_date_time_get_year(time), g_date_time_get_hour(time), g_date_time_get_minute(time),
        g_date_time_get_second(time));
}

static gboolean add_files(GString *text, MnbPage *page, const MnbRecording *recording,
                          GError **error)
{
    MnbDb *db = mnb_http_request_db(page->request);
    g_autoptr(GPtrArray) renditions = mnb_rendition_list(db, recording->id, error);
    g_autoptr(GPtrArray) languages =
        renditions != NULL ? mnb_moment_languages(db, recording->id, error) : NULL;
    if (languages == NULL)
        return FALSE;
    const MnbRendition *sound = NULL;
    for (guint i = 0; i < renditions->len; i++) {
        const MnbRendition *one = renditions->pdata[i];
        if (one->kind == MNB_RENDITION_POSTER) {
            g_autofree char *path = mnb_json_media_url(recording, one->path);
            g_autofree char *url = mnb_page_url(page->request, path);
            add(text, "<itunes:image href=\"%s\"/>\n", url);
        }
        /* Sound before pictures: a podcast is heard. */
        if (one->kind == MNB_RENDITION_DOWNLOAD &&
            (sound == NULL || g_str_has_suffix(one->path, ".m4a")))
            sound = one;
    }
    if (sound != NULL) {
        g_autofree char *path = mnb_json_media_url(recording, sound->path);
        g_autofree char *url = mnb_page_url(page->request, path);
        add(text, "<enclosure url=\"%s\" length=\"%" G_GINT64_FORMAT "\" type=\"%s\"/>\n", url,
            sound->bytes, g_str_has_suffix(sound->path, ".m4a") ? "audio/mp4" : "video/mp4");
    }
    for (guint i = 0; i < languages->len; i++) {
        const char *tag = languages->pdata[i];
        g_autofree char *path =
            g_strdup_printf("/api/v1/recordings/%s/captions.vtt?lang=%s", recording->id, tag);
        g_autofree char *url = mnb_page_url(page->request, path);
        add(text, "<podcast:transcript url=\"%s\" type=\"text/vtt\" language=\"%s\"/>\n", url, tag);
    }
    return TRUE;
}

static gboolean add_item(GString *text, MnbPage *page, const MnbRecording *recording,
                         GError **error)
{
    g_autofree char *path = g_strconcat("/watch/", recording->id, NULL);
    g_autofree char *url = mnb_page_url(page->request, path);
    g_autofree char *when = rss_time(recording->published_us);
    g_autofree char *title = for_xml(mnb_page_pick(page, recording->title_en, recording->title_ja));
    g_autofree char *about =
        for_xml(mnb_page_pick(page, recording->description_en, recording->description_ja));
    g_autofree char *area = mnb_page_area(page, recording->area);
    g_autofree char *city = mnb_page_city(page, recording->city);
    add(text,
        "<item>\n<title>%s</title>\n<link>%s</link>\n<guid isPermaLink=\"false\">%s</guid>\n"
        "<pubDate>%s</pubDate>\n<description>%s</description>\n<category>%s</category>\n"
        "<category>%s</category>\n<itunes:author>%s</itunes:author>\n"
        "<itunes:explicit>false</itunes:explicit>\n",
        title, url, recording->id, when, about, area, city, city);
    if (recording->duration_us > 0)
        add(text, "<itunes:duration>%d</itunes:duration>\n",
            (int)(recording->duration_us / G_USEC_PER_SEC));
    gboolean ok = add_files(text, page, recording, error);
    add(text, "</item>\n");
    return ok;
}

/* Name of the feed; FALSE: there is no such area or city. */
static gboolean name_feed(MnbPage *page, const char *area, const char *city, char **name_out)
{
    MnbDb *db = mnb_http_request_db(page->request);
    g_autoptr(MnbArea) found_area = area != NULL ? mnb_area_find(db, area, NULL) : NULL;
    g_autoptr(MnbCity) found_city = city != NULL ? mnb_city_find(db, city, NULL) : NULL;
    if ((area != NULL && found_area == NULL) || (city != NULL && found_city == NULL))
        return FALSE;
    GString *name = g_string_new("Manabi");
    if (found_area != NULL)
        g_string_append_printf(name, ": %s",
                               mnb_page_pick(page, found_area->name_en, found_area->name_ja));
    if (found_city != NULL)
        g_string_append_printf(name, ": %s",
                               mnb_page_pick(page, found_city->name_en, found_city->name_ja));
    *name_out = g_string_free(name, FALSE);
    return TRUE;
}

static void add_channel(GString *text, MnbPage *page, const char *name, const char *area,
                        const char *city)
{
    g_autofree char *query =
        g_strdup_printf("%s%s%s%s%s", area != NULL ? "area=" : "", area != NULL ? area : "",
                        area != NULL && city != NULL ? "&" : "", city != NULL ? "city=" : "",
                        city != NULL ? city : "");
    g_autofree char *home = g_strdup_printf("/%s%s", query[0] != '\0' ? "?" : "", query);
    g_autofree char *self = g_strdup_printf("/feed.xml?%s%slanguage=%s", query,
                                            query[0] != '\0' ? "&" : "", page->is_ja ? "ja" : "en");
    g_autofree char *home_url = mnb_page_url(page->request, home);
    g_autofree char *self_url = mnb_page_url(page->request, self);
    g_string_append(text,
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                    "<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\""
                    " xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\""
                    " xmlns:podcast=\"https://podcastindex.org/namespace/1.0\">\n<channel>\n");
    add(text,
        "<title>%s</title>\n<link>%s</link>\n"
        "<atom:link rel=\"self\" type=\"application/rss+xml\" href=\"%s\"/>\n"
        "<description>%s</description>\n<language>%s</language>\n"
        "<itunes:author>Manabi</itunes:author>\n<itunes:explicit>false</itunes:explicit>\n"
        "<itunes:type>episodic</itunes:type>\n",
        name, home_url, self_url,
        page->is_ja ? "日本の都市による学びのイベントの記録"
                    : "Recordings of learning events by Japanese cities",
        page->is_ja ? "ja" : "en");
    g_string_append(text, "<itunes:category text=\"Government\"/>\n");
}

static const char *filled(MnbHttpRequest *request, const char *name)
{
    const char *value = mnb_http_request_query(request, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

void mnb_api_rss(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbPage) page = mnb_page_new(request);
    const char *language = filled(request, "language");
    const char *area = filled(request, "area"), *city = filled(request, "city");
    g_autofree char *name = NULL;
    page->is_ja = language != NULL ? strcmp(language, "ja") == 0 : page->is_ja;
    if (!name_feed(page, area, city, &name)) {
        mnb_http_request_answer_not_found(request);
        return;
    }
    MnbSearchQuery query = {.limit = FEED_ITEMS};
    query.filters[MNB_FACET_AREA] = area;
    query.filters[MNB_FACET_CITY] = city;
    g_autoptr(MnbSearchResult) result = mnb_search(mnb_http_request_db(request), &query, &error);
    g_autoptr(GString) text = g_string_new(NULL);
    add_channel(text, page, name, area, city);
    gboolean ok = result != NULL;
    for (guint i = 0; ok && i < result->hits->len; i++)
        ok =
            add_item(text, page, ((const MnbSearchHit *)result->hits->pdata[i])->recording, &error);
    g_string_append(text, "</channel>\n</rss>\n");
    if (ok)
        answer_xml(request, "application/rss+xml; charset=utf-8", text);
    else
        mnb_http_request_answer_error(request, error);
}

/* ---- sitemaps.org ---- */

static void add_sitemap_index(MnbHttpRequest *request, GString *text, guint total)
{
    g_string_append(text, "<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
    for (guint page = 1; (page - 1) * SITEMAP_PAGE < total; page++) {
        g_autofree char *path = g_strdup_printf("/sitemap.xml?page=%u", page);
        g_autofree char *url = mnb_page_url(request, path);
        add(text, "<sitemap><loc>%s</loc></sitemap>\n", url);
    }
    g_string_append(text, "</sitemapindex>\n");
}

static void add_sitemap_entry(MnbHttpRequest *request, GString *text, const char *path,
                              gint64 updated_us)
{
    g_autofree char *url = mnb_page_url(request, path);
    g_autofree char *when = mnb_page_time(updated_us);
    add(text, "<url><loc>%s</loc>", url);
    if (updated_us > 0)
        add(text, "<lastmod>%s</lastmod>", when);
    add(text,
        "<xhtml:link rel=\"alternate\" hreflang=\"en\" href=\"%s?lang=en\"/>"
        "<xhtml:link rel=\"alternate\" hreflang=\"ja\" href=\"%s?lang=ja\"/></url>\n",
        url, url);
}

static gboolean add_sitemap_page(MnbHttpRequest *request, GString *text, guint page, GError **error)
{
    MnbDb *db = mnb_http_request_db(request);
    g_autoptr(GPtrArray) films =
        mnb_recording_list_public(db, (page - 1) * SITEMAP_PAGE, SITEMAP_PAGE, error);
    MnbEventFilter filter = {
        .public_only = TRUE, .now_us = mnb_http_request_wall_us(request), .limit = 100};
    g_autoptr(GPtrArray) events = films != NULL ? mnb_event_list(db, &filter, NULL, error) : NULL;
    if (events == NULL)
        return FALSE;
    g_string_append(text, "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\""
                          " xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n");
    if (page == 1)
        add_sitemap_entry(request, text, "/", 0);
    for (guint i = 0; page == 1 && i < events->len; i++) {
        const MnbEvent *event = events->pdata[i];
        g_autofree char *path = g_strconcat("/events/", event->id, NULL);
        add_sitemap_entry(request, text, path, event->updated_us);
    }
    for (guint i = 0; i < films->len; i++) {
        const MnbPublicFilm *film = films->pdata[i];
        g_autofree char *path = g_strconcat("/watch/", film->id, NULL);
        add_sitemap_entry(request, text, path, film->updated_us);
    }
    g_string_append(text, "</urlset>\n");
    return TRUE;
}

void mnb_api_sitemap(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    guint64 page = 0;
    const char *asked = filled(request, "page");
    g_autoptr(MnbSearchResult) result =
        mnb_search(mnb_http_request_db(request), &(MnbSearchQuery){.limit = 1}, &error);
    if (result == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    guint n_pages = MAX((result->total + SITEMAP_PAGE - 1) / SITEMAP_PAGE, 1);
    if (asked != NULL && !g_ascii_string_to_unsigned(asked, 10, 1, n_pages, &page, NULL)) {
        mnb_http_request_answer_not_found(request);
        return;
    }
    g_autoptr(GString) text = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    gboolean ok = TRUE;
    if (page == 0 && n_pages > 1)
        add_sitemap_index(request, text, result->total);
    else
        ok = add_sitemap_page(request, text, (guint)MAX(page, 1), &error);
    if (ok)
        answer_xml(request, "application/xml; charset=utf-8", text);
    else
        mnb_http_request_answer_error(request, error);
}

void mnb_api_robots(MnbHttpRequest *request)
{
    g_autofree char *sitemap = mnb_page_url(request, "/sitemap.xml");
    g_autofree char *text = g_strdup_printf("User-agent: *\n"
                                            "Allow: /api/v1/recordings/\n"
                                            "Disallow: /api/\n"
                                            "Disallow: /join\n"
                                            "Disallow: /review/\n"
                                            "Disallow: /sign-in\n"
                                            "Disallow: /staff\n"
                                            "Disallow: /uploads\n"
                                            "Sitemap: %s\n",
                                            sitemap);
    mnb_http_request_set_header(request, "Cache-Control", "public, no-cache");
    mnb_http_request_answer_text(request, 200, "text/plain; charset=utf-8", text);
}
