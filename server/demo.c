#include "server/demo.h"

#include <errno.h>
#include <qrencode.h>
#include <stdio.h>
#include <string.h>

#include "recordings/event.h"
#include "recordings/link.h"
#include "recordings/session.h"
#include "recordings/staff.h"
#include "server/base/error.h"

#define ADMINISTRATOR "admin"
#define LINK_LIFE_US  (G_GINT64_CONSTANT(7) * 24 * 3600 * G_USEC_PER_SEC)
#define LINK_LABEL    "printed at start"

typedef struct {
    const char *public_url;
    char *event_id; /* NULL: none yet */
    char *title;
    char *administrator; /* a URL, or NULL: has a password */
    char *facilitator;
    char *participants;
} Demo;

/* The id of the demonstration event is kept beside the catalogue: it is an event like any other. */
static char *marker_path(MnbCatalog *catalog)
{
    return g_build_filename(mnb_store_folder(mnb_catalog_store(catalog), MNB_STORE_ROOT),
                            "demonstration", NULL);
}

static MnbEvent *make_event(MnbDb *db, gint64 now_us, GError **error)
{
    const gint64 half_hour_us = G_GINT64_CONSTANT(1800) * G_USEC_PER_SEC;
    g_autoptr(MnbEvent) event = mnb_event_new();
    event->kind = MNB_EVENT_VIRTUAL_SESSION;
    event->title_en = g_strdup("Demonstration: how Kitakyushu prepares for floods");
    event->title_ja = g_strdup("体験用:北九州市の洪水への備えと防災の取り組み");
    event->summary_en =
        g_strdup("A ready-made session to try Manabi with. Start it, record it, end it: "
                 "the film appears in the catalogue.");
    event->summary_ja =
        g_strdup("Manabiを試すための準備済みセッションです。開始して録画し、終了すると、"
                 "動画がカタログに掲載されます。");
    event->area = g_strdup("disaster-risk-management");
    event->city = g_strdup("40100");
    event->starts_us = now_us - now_us % half_hour_us;
    event->duration_s = 5400;
    event->time_zone = g_strdup("Asia/Tokyo");
    event->languages = g_strsplit("en,ja", ",", 0);
    event->is_public = TRUE;
    event->recording_policy = MNB_RECORDING_POLICY_PUBLISH;
    event->audience = MNB_AUDIENCE_PUBLIC;
    if (!mnb_event_insert(db, event, now_us, error))
        return NULL;
    return g_steal_pointer(&event);
}

static char *make_link(MnbDb *db, Demo *demo, const char *event, MnbRole role, gint64 now_us,
                       GError **error)
{
    char token[MNB_TOKEN_SIZE];
    g_autoptr(MnbLink) link = mnb_link_create(db, MNB_LINK_ROLE, event, NULL, role, LINK_LABEL,
                                              now_us + LINK_LIFE_US, now_us, token, error);
    return link != NULL ? g_strdup_printf("%s/join#%s", demo->public_url, token) : NULL;
}

/* Links can be printed only when they are made. Those of an earlier start end, so that they do not
 * pile up; while people are in the session they came by them, and they stay. */
static gboolean revoke_earlier(MnbDb *db, const MnbEvent *event, gint64 now_us, GError **error)
{
    if (event->session_state == MNB_SESSION_LIVE)
        return TRUE;
    g_autoptr(GPtrArray) links = mnb_link_list(db, event->id, error);
    if (links == NULL)
        return FALSE;
    for (guint i = 0; i < links->len; i++) {
        const MnbLink *link = links->pdata[i];
        if (link->revoked_us == 0 && strcmp(link->label, LINK_LABEL) == 0 &&
            !mnb_link_revoke(db, link->id, now_us, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean make_administrator(MnbDb *db, Demo *demo, gint64 now_us, GError **error)
{
    g_autoptr(MnbStaff) staff = mnb_staff_find_by_name(db, ADMINISTRATOR, NULL);
    if (staff == NULL)
        staff = mnb_staff_create(db, ADMINISTRATOR, TRUE, now_us, error);
    if (staff == NULL)
        return FALSE;
    if (staff->password_hash != NULL || staff->disabled_us != 0)
        return TRUE;
    char token[MNB_TOKEN_SIZE];
    if (!mnb_staff_token_create(db, staff->id, MNB_STAFF_TOKEN_SIGN_IN, now_us + MNB_STAFF_LINK_US,
                                now_us, token, error))
        return FALSE;
    g_free(demo->administrator);
    demo->administrator = g_strdup_printf("%s/sign-in#%s", demo->public_url, token);
    return TRUE;
}

static gboolean write_demo(MnbDb *db, gpointer data, GError **error)
{
    Demo *demo = data;
    gint64 now_us = g_get_real_time();
    if (!make_administrator(db, demo, now_us, error))
        return FALSE;
    g_autoptr(MnbEvent) event =
        demo->event_id != NULL ? mnb_event_find(db, demo->event_id, NULL) : NULL;
    if (event == NULL)
        event = make_event(db, now_us, error);
    if (event == NULL)
        return FALSE;
    if (!revoke_earlier(db, event, now_us, error))
        return FALSE;
    if (event->session_state == MNB_SESSION_ENDED) {
        g_autoptr(MnbSession) session = mnb_session_create(db, event->id, now_us, error);
        if (session == NULL)
            return FALSE;
        event->starts_us = now_us;
        if (!mnb_event_update(db, event, now_us, error))
            return FALSE;
    }
    g_free(demo->event_id);
    g_free(demo->title);
    g_free(demo->facilitator);
    g_free(demo->participants);
    demo->event_id = g_strdup(event->id);
    demo->title = g_strdup_printf("%s / %s", event->title_en, event->title_ja);
    demo->facilitator = make_link(db, demo, event->id, MNB_ROLE_FACILITATOR, now_us, error);
    demo->participants = demo->facilitator != NULL
                             ? make_link(db, demo, event->id, MNB_ROLE_PARTICIPANT, now_us, error)
                             : NULL;
    return demo->participants != NULL;
}

/* Two modules in one character cell, dark on light, so that it can be scanned from any terminal. */
static void print_qr(const char *text)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    if (code == NULL)
        return;
    const int margin = 2;
    static const char *const cells[] = {"█", "▀", "▄", " "}; /* upper dark: 2, lower dark: 1 */
    for (int y = -margin; y < code->width + margin; y += 2) {
        fputs("    ", stdout);
        for (int x = -margin; x < code->width + margin; x++) {
            int dark[2];
            for (int i = 0; i < 2; i++) {
                gboolean is_inside = x >= 0 && x < code->width && y + i >= 0 && y + i < code->width;
                dark[i] = is_inside && (code->data[(y + i) * code->width + x] & 1);
            }
            fputs(cells[dark[0] * 2 + dark[1]], stdout);
        }
        fputc('\n', stdout);
    }
    QRcode_free(code);
}

static void print_links(const Demo *demo)
{
    printf("\nManabi serves at %s\n\n", demo->public_url);
    if (demo->administrator != NULL)
        printf("  administrator   %s\n                  (works once, for 24 hours)\n",
               demo->administrator);
    else
        printf("  administrator   %s/sign-in (with your password)\n", demo->public_url);
    printf("\n  Demonstration event: %s\n", demo->title);
    printf("  facilitator     %s\n", demo->facilitator);
    printf("  participants    %s\n\n", demo->participants);
    print_qr(demo->participants);
    printf("\n  These links work for seven days, or until the next start prints others. Ctrl-C "
           "stops the server.\n\n");
    fflush(stdout);
}

gboolean mnb_demo_print(MnbCatalog *catalog, const char *public_url, GError **error)
{
    Demo demo = {.public_url = public_url};
    g_autofree char *path = marker_path(catalog);
    g_autofree char *known = NULL;
    if (g_file_get_contents(path, &demo.event_id, NULL, NULL))
        g_strstrip(demo.event_id);
    known = g_strdup(demo.event_id);
    gboolean is_made = mnb_catalog_write_sync(catalog, write_demo, &demo, error);
    if (is_made && g_strcmp0(known, demo.event_id) != 0)
        is_made = mnb_store_write_file(path, demo.event_id, strlen(demo.event_id), error);
    if (is_made)
        print_links(&demo);
    g_free(demo.event_id);
    g_free(demo.title);
    g_free(demo.administrator);
    g_free(demo.facilitator);
    g_free(demo.participants);
    return is_made;
}
