/* The catalogue and events for whoever runs no script. */
#include "recordings/event.h"
#include "recordings/search.h"
#include "server/http/api.h"
#include "server/http/page.h"
#include <string.h>

#define PER_PAGE   24
#define EVENTS_MAX 9
#define PAGE_MAX   4000
#define SITE_EN    "Manabi: learning events of cities"
#define SITE_JA    "Manabi: 都市の学びのイベント"
#define ABOUT_EN                                                                                   \
    "Live sessions, site visits and films by Japanese cities for cities all over the world."
#define ABOUT_JA "日本の都市による、世界の都市のためのライブセッション・視察・動画。"

/* What an address of the catalogue keeps, in this order. */
static const char *const kept[] = {"q",        "area", "city", "country",
                                   "language", "year", "kind", "length"};

/* "/?area=x&page=2". Owned. */
static char *address(MnbHttpRequest *request, guint page)
{
    g_autoptr(GString) text = g_string_new("/");
    char join = '?';
    for (guint i = 0; i < G_N_ELEMENTS(kept); i++) {
        const char *value = mnb_http_request_query(request, kept[i]);
        if (value == NULL || value[0] == '\0')
            continue;
        g_autofree char *escaped = g_uri_escape_string(value, NULL, FALSE);
        g_string_append_printf(text, "%c%s=%s", join, kept[i], escaped);
        join = '&';
    }
    if (page > 1)
        g_string_append_printf(text, "%cpage=%u", join, page);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static guint page_number(MnbHttpRequest *request)
{
    const char *text = mnb_http_request_query(request, "page");
    guint64 number = 1;
    if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 1, PAGE_MAX, &number, NULL))
        return 1;
    return (guint)number;
}

static void add_card(MnbPage *page, const MnbRecording *recording)
{
    const char *title = mnb_page_pick(page, recording->title_en, recording->title_ja);
    g_autofree char *city = mnb_page_city(page, recording->city);
    g_autofree char *area = mnb_page_area(page, recording->area);
    g_autofree char *date = mnb_page_date(page, recording->recorded_us);
    g_autofree char *length = mnb_page_clock(recording->duration_us / G_USEC_PER_SEC);
    mnb_page_add(page, "<li><a href=\"/watch/%s\" lang=\"%s\">%s</a><br>%s · %s · %s%s%s</li>\n",
                 recording->id, mnb_page_lang(page, recording->title_en, recording->title_ja),
                 title, city, area, date, recording->duration_us > 0 ? " · " : "",
                 recording->duration_us > 0 ? length : "");
}

static void add_results(MnbPage *page, const MnbSearchResult *result, guint number)
{
    mnb_page_add(page, "<h2>%s</h2>\n<p>%u %s</p>\n<ul>\n", page->is_ja ? "動画" : "Films",
                 result->total, page->is_ja ? "本" : "found");
    for (guint i = 0; i < result->hits->len; i++)
        add_card(page, ((const MnbSearchHit *)result->hits->pdata[i])->recording);
    mnb_page_add(page, "</ul>\n");
    g_autofree char *before = address(page->request, number - 1);
    g_autofree char *after = address(page->request, number + 1);
    if (number > 1)
        mnb_page_add(page, "<p><a rel=\"prev\" href=\"%s\">%s</a></p>\n", before,
                     page->is_ja ? "前のページ" : "Previous page");
    if ((guint64)number * PER_PAGE < result->total)
        mnb_page_add(page, "<p><a rel=\"next\" href=\"%s\">%s</a></p>\n", after,
                     page->is_ja ? "次のページ" : "Next page");
}

static gboolean add_events(MnbPage *page, GError **error)
{
    MnbEventFilter filter = {.public_only = TRUE,
                             .upcoming_only = TRUE,
                             .now_us = mnb_http_request_wall_us(page->request),
                             .limit = EVENTS_MAX};
    g_autoptr(GPtrArray) events =
        mnb_event_list(mnb_http_request_db(page->request), &filter, NULL, error);
    if (events == NULL)
        return FALSE;
    if (events->len > 0)
        mnb_page_add(page, "<h2>%s</h2>\n<ul>\n", page->is_ja ? "これから" : "Coming up");
    for (guint i = 0; i < events->len; i++) {
        const MnbEvent *event = events->pdata[i];
        g_autofree char *date = mnb_page_date(page, event->starts_us);
        g_autofree char *city = mnb_page_city(page, event->city);
        mnb_page_add(page, "<li><a href=\"/events/%s\" lang=\"%s\">%s</a><br>%s · %s</li>\n",
                     event->id, mnb_page_lang(page, event->title_en, event->title_ja),
                     mnb_page_pick(page, event->title_en, event->title_ja), date, city);
    }
    if (events->len > 0)
        mnb_page_add(page, "</ul>\n");
    return TRUE;
}

static gboolean add_areas(MnbPage *page, GError **error)
{
    g_autoptr(GPtrArray) areas = mnb_area_list(mnb_http_request_db(page->request), error);
    if (areas == NULL)
        return FALSE;
    mnb_page_add(page, "<h2>%s</h2>\n<ul>\n", page->is_ja ? "分野" : "Areas");
    for (guint i = 0; i < areas->len; i++) {
        const MnbArea *area = areas->pdata[i];
        mnb_page_add(page, "<li><a href=\"/?area=%s\">%s</a> (%d)</li>\n", area->code,
                     mnb_page_pick(page, area->name_en, area->name_ja), area->n_recordings);
    }
    mnb_page_add(page, "</ul>\n");
    return TRUE;
}

static void add_search(MnbPage *page)
{
    const char *text = mnb_http_request_query(page->request, "q");
    mnb_page_add(page,
                 "<form action=\"/\" role=\"search\"><label>%s <input type=\"search\" name=\"q\" "
                 "maxlength=\"200\" value=\"%s\"></label> <button>%s</button></form>\n",
                 page->is_ja ? "動画を探す" : "Find films", text != NULL ? text : "",
                 page->is_ja ? "検索" : "Search");
}

static void add_feed_link(MnbPage *page)
{
    const char *area = mnb_http_request_query(page->request, "area");
    const char *city = mnb_http_request_query(page->request, "city");
    const char *name = area != NULL && area[0] != '\0' ? "area" : "city";
    const char *value = name[0] == 'a' ? area : city;
    const char *language = page->is_ja ? "ja" : "en";
    g_autofree char *escaped =
        value != NULL && value[0] != '\0' ? g_uri_escape_string(value, NULL, FALSE) : NULL;
    g_autofree char *query = escaped != NULL
                                 ? g_strdup_printf("?%s=%s&language=%s", name, escaped, language)
                                 : g_strdup_printf("?language=%s", language);
    mnb_page_add_head(page,
                      "<link rel=\"alternate\" type=\"application/rss+xml\" title=\"Manabi\" "
                      "href=\"/feed.xml%s\">\n",
                      query);
}

void mnb_api_page_home(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbPage) page = mnb_page_new(request);
    guint number = page_number(request);
    MnbSearchQuery query = {.text = mnb_http_request_query(request, "q"),
                            .offset = (number - 1) * PER_PAGE,
                            .limit = PER_PAGE};
    gboolean is_filtered = query.text != NULL && query.text[0] != '\0';
    for (int i = 0; i < MNB_FACETS; i++) {
        query.filters[i] = mnb_http_request_query(request, mnb_api_filter_names[i]);
        is_filtered |= query.filters[i] != NULL && query.filters[i][0] != '\0';
    }
    g_autoptr(MnbSearchResult) result = mnb_search(mnb_http_request_db(request), &query, &error);
    g_autofree char *path = address(request, number);
    mnb_page_set_about(page, path, page->is_ja ? SITE_JA : SITE_EN,
                       page->is_ja ? ABOUT_JA : ABOUT_EN, "website");
    add_feed_link(page);
    mnb_page_add(page, "<h1>%s</h1>\n<p>%s</p>\n", page->is_ja ? SITE_JA : SITE_EN,
                 page->is_ja ? ABOUT_JA : ABOUT_EN);
    add_search(page);
    gboolean ok = result != NULL && (is_filtered || add_events(page, &error)) &&
                  (is_filtered || add_areas(page, &error));
    if (!ok) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    add_results(page, result, number);
    mnb_page_answer(page, 200);
}

/* ---- events ---- */

static json_t *event_data(MnbPage *page, const MnbEvent *event, const char *url)
{
    static const char *const modes[] = {
        [MNB_ATTENDANCE_ONLINE] = "https://schema.org/OnlineEventAttendanceMode",
        [MNB_ATTENDANCE_IN_PERSON] = "https://schema.org/OfflineEventAttendanceMode",
        [MNB_ATTENDANCE_HYBRID] = "https://schema.org/MixedEventAttendanceMode"};
    g_autofree char *starts = mnb_page_time(event->starts_us);
    g_autofree char *ends =
        mnb_page_time(event->starts_us + event->duration_s * (gint64)G_USEC_PER_SEC);
    g_autofree char *city = mnb_page_city(page, event->city);
    json_t *languages = json_array();
    for (guint i = 0; event->languages[i] != NULL; i++)
        json_array_append_new(languages, json_string(event->languages[i]));
    json_t *places = json_array();
    if (event->attendance != MNB_ATTENDANCE_IN_PERSON)
        json_array_append_new(places,
                              json_pack("{s:s, s:s}", "@type", "VirtualLocation", "url", url));
    if (event->attendance != MNB_ATTENDANCE_ONLINE)
        json_array_append_new(places,
                              json_pack("{s:s, s:s, s:s}", "@type", "Place", "name",
                                        mnb_page_pick(page, event->venue_en, event->venue_ja),
                                        "address", city));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:{s:s, s:s}}",
                     "@context", "https://schema.org", "@type", "Event", "name",
                     mnb_page_pick(page, event->title_en, event->title_ja), "description",
                     mnb_page_pick(page, event->summary_en, event->summary_ja), "startDate", starts,
                     "endDate", ends, "eventStatus", "https://schema.org/EventScheduled",
                     "eventAttendanceMode", modes[event->attendance], "url", url, "location",
                     places, "inLanguage", languages, "organizer", "@type", "Organization", "name",
                     city);
}

void mnb_api_page_event(MnbHttpRequest *request)
{
    g_autoptr(MnbPage) page = mnb_page_new(request);
    g_autoptr(MnbEvent) event =
        mnb_event_find(mnb_http_request_db(request), mnb_http_request_param(request, 0), NULL);
    if (event == NULL || !event->is_public) {
        /* The client asks for itself, with what its tab holds. */
        mnb_page_answer(page, 404);
        return;
    }
    const char *title = mnb_page_pick(page, event->title_en, event->title_ja);
    const char *summary = mnb_page_pick(page, event->summary_en, event->summary_ja);
    g_autofree char *path = g_strconcat("/events/", event->id, NULL);
    g_autofree char *url = mnb_page_url(request, path);
    g_autofree char *city = mnb_page_city(page, event->city);
    g_autofree char *area = mnb_page_area(page, event->area);
    g_autofree char *date = mnb_page_date(page, event->starts_us);
    g_autofree char *starts = mnb_page_time(event->starts_us);
    mnb_page_set_about(page, path, title, summary, "website");
    mnb_page_set_data(page, event_data(page, event, url));
    mnb_page_add(page, "<h1 lang=\"%s\">%s</h1>\n",
                 mnb_page_lang(page, event->title_en, event->title_ja), title);
    mnb_page_add(page,
                 "<p><time datetime=\"%s\">%s</time> · <a href=\"/?city=%s\">%s</a> · "
                 "<a href=\"/?area=%s\">%s</a></p>\n<p class=\"prose\" lang=\"%s\">%s</p>\n",
                 starts, date, event->city, city, event->area, area,
                 mnb_page_lang(page, event->summary_en, event->summary_ja), summary);
    mnb_page_add(page, "<p><a href=\"/api/v1/events/%s/calendar.ics?language=%s\">%s</a></p>\n",
                 event->id, page->is_ja ? "ja" : "en",
                 page->is_ja ? "カレンダーに追加" : "Add to calendar");
    mnb_page_answer(page, 200);
}
