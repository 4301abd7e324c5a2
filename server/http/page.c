#include "server/http/page.h"
#include <glib/gstdio.h>
#include <string.h>

#include "server/http/http-internal.h"

#define SHELL_BYTES_MAX   (256 * 1024)
#define DESCRIPTION_CHARS 300

static const char bare_shell[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>Manabi</title>\n</head>\n<body>\n<div id=\"app\"></div>\n</body>\n</html>\n";

struct MnbPageShell {
    char *path; /* NULL: bare */
    char *text;
    gint64 mtime;
    gint64 size;
};

MnbPageShell *mnb_page_shell_new(const char *web_client_dir)
{
    MnbPageShell *shell = g_new0(MnbPageShell, 1);
    if (web_client_dir != NULL)
        shell->path = g_build_filename(web_client_dir, "index.html", NULL);
    return shell;
}

void mnb_page_shell_free(MnbPageShell *shell)
{
    if (shell == NULL)
        return;
    g_free(shell->path);
    g_free(shell->text);
    g_free(shell);
}

/* Returns (borrowed until the next call). */
static const char *shell_text(MnbPageShell *shell)
{
    GStatBuf info;
    if (shell->path == NULL || g_stat(shell->path, &info) != 0 || info.st_size > SHELL_BYTES_MAX)
        return shell->text != NULL ? shell->text : bare_shell;
    gint64 mtime = (gint64)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    if (shell->text == NULL || mtime != shell->mtime || info.st_size != shell->size) {
        char *text = NULL;
        if (g_file_get_contents(shell->path, &text, NULL, NULL)) {
            g_free(shell->text);
            shell->text = text;
            shell->mtime = mtime;
            shell->size = info.st_size;
        }
    }
    return shell->text != NULL ? shell->text : bare_shell;
}

/* ---- language ---- */

/* The first of our languages in the list; weights are in order in what browsers send. */
static gboolean wants_japanese(MnbHttpRequest *request)
{
    const char *asked = mnb_http_request_query(request, "lang");
    if (g_strcmp0(asked, "ja") == 0 || g_strcmp0(asked, "en") == 0)
        return asked[0] == 'j';
    const char *header = mnb_http_request_header(request, "Accept-Language");
    g_auto(GStrv) tags = g_strsplit(header != NULL ? header : "", ",", 20);
    for (guint i = 0; tags[i] != NULL; i++) {
        const char *tag = g_strstrip(tags[i]);
        if (g_ascii_strncasecmp(tag, "ja", 2) == 0 && strchr("-;", tag[2]) != NULL)
            return TRUE;
        if (g_ascii_strncasecmp(tag, "en", 2) == 0 && strchr("-;", tag[2]) != NULL)
            return FALSE;
    }
    return FALSE;
}

const char *mnb_page_pick(const MnbPage *page, const char *en, const char *ja)
{
    const char *first = page->is_ja ? ja : en;
    const char *second = page->is_ja ? en : ja;
    if (first != NULL && first[0] != '\0')
        return first;
    return second != NULL ? second : "";
}

const char *mnb_page_lang(const MnbPage *page, const char *en, const char *ja)
{
    const char *chosen = mnb_page_pick(page, en, ja);
    if (chosen[0] == '\0' || chosen == (page->is_ja ? ja : en))
        return page->is_ja ? "ja" : "en";
    return page->is_ja ? "en" : "ja";
}

/* ---- building ---- */

MnbPage *mnb_page_new(MnbHttpRequest *request)
{
    MnbPage *page = g_new0(MnbPage, 1);
    page->request = request;
    page->is_ja = wants_japanese(request);
    page->head = g_string_new(NULL);
    page->body = g_string_new(NULL);
    return page;
}

void mnb_page_free(MnbPage *page)
{
    if (page == NULL)
        return;
    g_string_free(page->head, TRUE);
    g_string_free(page->body, TRUE);
    g_free(page->title);
    g_free(page);
}

void mnb_page_add(MnbPage *page, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    g_autofree char *html = g_markup_vprintf_escaped(format, values);
    va_end(values);
    g_string_append(page->body, html);
}

void mnb_page_add_head(MnbPage *page, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    g_autofree char *html = g_markup_vprintf_escaped(format, values);
    va_end(values);
    g_string_append(page->head, html);
}

/* In one line, cut at a character. */
static char *shorten(const char *text)
{
    g_autofree char *line = g_strdelimit(g_strdup(text), "\r\n\t", ' ');
    g_strstrip(line);
    if (g_utf8_strlen(line, -1) <= DESCRIPTION_CHARS)
        return g_steal_pointer(&line);
    g_autofree char *head = g_utf8_substring(line, 0, DESCRIPTION_CHARS - 1);
    return g_strconcat(head, "…", NULL);
}

char *mnb_page_url(MnbHttpRequest *request, const char *path)
{
    return g_strconcat(mnb_http_request_services(request)->public_url, path, NULL);
}

void mnb_page_set_about(MnbPage *page, const char *path, const char *title, const char *description,
                        const char *type)
{
    g_free(page->title);
    page->title = g_strdup(title);
    g_autofree char *url = mnb_page_url(page->request, path);
    const char *join = strchr(path, '?') != NULL ? "&" : "?";
    mnb_page_add_head(page, "<link rel=\"canonical\" href=\"%s\">\n", url);
    mnb_page_add_head(page,
                      "<link rel=\"alternate\" hreflang=\"en\" href=\"%s%slang=en\">\n"
                      "<link rel=\"alternate\" hreflang=\"ja\" href=\"%s%slang=ja\">\n"
                      "<link rel=\"alternate\" hreflang=\"x-default\" href=\"%s\">\n",
                      url, join, url, join, url);
    mnb_page_add_head(page,
                      "<meta property=\"og:site_name\" content=\"Manabi\">\n"
                      "<meta property=\"og:type\" content=\"%s\">\n"
                      "<meta property=\"og:url\" content=\"%s\">\n"
                      "<meta property=\"og:title\" content=\"%s\">\n"
                      "<meta property=\"og:locale\" content=\"%s\">\n",
                      type, url, title, page->is_ja ? "ja_JP" : "en_GB");
    if (description == NULL || description[0] == '\0')
        return;
    g_autofree char *about = shorten(description);
    mnb_page_add_head(page,
                      "<meta name=\"description\" content=\"%s\">\n"
                      "<meta property=\"og:description\" content=\"%s\">\n",
                      about, about);
}

void mnb_page_set_data(MnbPage *page, json_t *data)
{
    char *text = json_dumps(data, JSON_COMPACT);
    json_decref(data);
    if (text == NULL)
        return;
    /* A data block: nothing runs it, and no text may end it. */
    g_autoptr(GString) safe = g_string_new(text);
    free(text);
    g_string_replace(safe, "<", "\\u003c", 0);
    g_string_append_printf(page->head, "<script type=\"application/ld+json\">%s</script>\n",
                           safe->str);
}

/* ---- answering ---- */

static void replace_once(GString *text, const char *mark, const char *by)
{
    char *at = strstr(text->str, mark);
    if (at == NULL)
        return;
    gssize position = at - text->str;
    g_string_erase(text, position, (gssize)strlen(mark));
    g_string_insert(text, position, by);
}

void mnb_page_answer(MnbPage *page, guint status)
{
    g_autoptr(GString) text = g_string_new(shell_text(page->request->http->shell));
    g_autofree char *title = g_markup_printf_escaped("<title>%s</title>\n",
                                                     page->title != NULL ? page->title : "Manabi");
    g_autofree char *head = g_strconcat(title, page->head->str, NULL);
    g_autofree char *body = page->body->len == 0
                                ? g_strdup("<div id=\"app\"></div>")
                                : g_strconcat("<div id=\"app\"><main class=\"plain\">\n",
                                              page->body->str, "</main></div>", NULL);
    /* From the end, so that nothing which was put in is taken for a mark. */
    replace_once(text, "<div id=\"app\"></div>", body);
    replace_once(text, "<title>Manabi</title>", head);
    replace_once(text, "<html lang=\"en\">",
                 page->is_ja ? "<html lang=\"ja\">" : "<html lang=\"en\">");
    mnb_http_request_set_header(page->request, "Cache-Control", "no-cache");
    mnb_http_request_set_header(page->request, "Vary", "Accept-Language, Cookie");
    mnb_http_request_set_header(page->request, "Content-Language", page->is_ja ? "ja" : "en");
    mnb_http_request_answer_text(page->request, status, "text/html; charset=utf-8", text->str);
}

/* ---- small texts ---- */

char *mnb_page_city(const MnbPage *page, const char *code)
{
    g_autoptr(MnbCity) city = mnb_city_find(mnb_http_request_db(page->request), code, NULL);
    return g_strdup(city != NULL ? mnb_page_pick(page, city->name_en, city->name_ja) : code);
}

char *mnb_page_area(const MnbPage *page, const char *code)
{
    g_autoptr(MnbArea) area = mnb_area_find(mnb_http_request_db(page->request), code, NULL);
    return g_strdup(area != NULL ? mnb_page_pick(page, area->name_en, area->name_ja) : code);
}

char *mnb_page_date(const MnbPage *page, gint64 wall_us)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    g_autoptr(GTimeZone) japan = g_time_zone_new_offset(9 * 3600);
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(wall_us / G_USEC_PER_SEC);
    g_autoptr(GDateTime) local = utc != NULL ? g_date_time_to_timezone(utc, japan) : NULL;
    if (local == NULL)
        return g_strdup("");
    int year, month, day;
    g_date_time_get_ymd(local, &year, &month, &day);
    return page->is_ja ? g_strdup_printf("%d年%d月%d日", year, month, day)
                       : g_strdup_printf("%d %s %d", day, months[month - 1], year);
}

char *mnb_page_clock(gint64 seconds)
{
    int h = (int)(seconds / 3600), m = (int)(seconds / 60 % 60), s = (int)(seconds % 60);
    return h > 0 ? g_strdup_printf("%d:%02d:%02d", h, m, s) : g_strdup_printf("%d:%02d", m, s);
}

char *mnb_page_duration(gint64 seconds)
{
    return g_strdup_printf("PT%dH%dM%dS", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                           (int)(seconds % 60));
}

char *mnb_page_time(gint64 wall_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(wall_us / G_USEC_PER_SEC);
    return time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("");
}
