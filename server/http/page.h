/* page.h - pages that the server writes for whoever runs no script: search engines, link previews,
 * old browsers. The text stands where the web client draws the same page a moment later.
 *
 * Everything that people wrote goes through mnb_page_add(), which escapes it; JSON-LD through
 * mnb_page_set_data(). There is no other way into a page, and no template language. Main thread. */
#pragma once
#include "recordings/taxonomy.h"
#include "server/http/request.h"

/* The web client's index.html, cut where a page's own text goes in; read again when it changed. */
typedef struct MnbPageShell MnbPageShell;
/* @web_client_dir: NULL, or without an index.html: pages of their own without the client. */
MnbPageShell *mnb_page_shell_new(const char *web_client_dir);
void mnb_page_shell_free(MnbPageShell *shell); /* NULL is fine */

typedef struct {
    MnbHttpRequest *request; /* borrowed */
    gboolean is_ja;          /* ?lang=, else Accept-Language */
    GString *head;
    GString *body;
    char *title;
} MnbPage;

MnbPage *mnb_page_new(MnbHttpRequest *request);
void mnb_page_free(MnbPage *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbPage, mnb_page_free)

/* HTML with printf's conversions; what they put in is escaped. */
void mnb_page_add(MnbPage *page, const char *format, ...) G_GNUC_PRINTF(2, 3);
void mnb_page_add_head(MnbPage *page, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Title, description, canonical address, the other language and Open Graph. @path: "/watch/ID",
 * with its query if that tells pages apart. @description: NULL: none; only its beginning is used.
 * @type: of Open Graph, "website" or "video.other". */
void mnb_page_set_about(MnbPage *page, const char *path, const char *title, const char *description,
                        const char *type);
/* schema.org as JSON-LD; takes over @data. */
void mnb_page_set_data(MnbPage *page, json_t *data);

/* Answers with the page inside the client's shell; after that the page is only to be freed.
 * @status: 200, or 404 for a shell without text, which the client fills for who may see more. */
void mnb_page_answer(MnbPage *page, guint status);

/* The text of the page's language, or the other one where that is empty. */
const char *mnb_page_pick(const MnbPage *page, const char *en, const char *ja);
/* lang="..." of what pick() gives, when it is not the page's; else "". Static. */
const char *mnb_page_lang(const MnbPage *page, const char *en, const char *ja);

/* Names of places in the page's language; the code where there is none. Owned. */
char *mnb_page_city(const MnbPage *page, const char *code);
char *mnb_page_area(const MnbPage *page, const char *code);
/* "2 March 2026" or "2026年3月2日", in Japan. Owned. */
char *mnb_page_date(const MnbPage *page, gint64 wall_us);
/* "12:30", "1:02:03". Owned. */
char *mnb_page_clock(gint64 seconds);
/* "PT1H2M3S", ISO 8601. Owned. */
char *mnb_page_duration(gint64 seconds);
/* RFC 3339. Owned. */
char *mnb_page_time(gint64 wall_us);
/* The server's own address before @path. Owned. */
char *mnb_page_url(MnbHttpRequest *request, const char *path);
