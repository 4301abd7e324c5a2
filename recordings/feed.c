#include "recordings/feed.h"

#include <string.h>

#include "recordings/fields.h"
#include "server/base/error.h"

#define FEED_SELECT                                                                                \
    "SELECT f.link, l.event, s.id, coalesce(s.state = 'live', 0), l.label, f.source,"              \
    " coalesce(f.place, -1), f.secret, f.key_sha256, f.url, f.area, f.city,"                       \
    " c.name_en, c.name_ja, a.name_en, a.name_ja, l.created_us, coalesce(l.expires_us, 0),"        \
    " e.starts_us, e.duration_s"                                                                   \
    " FROM feed f JOIN link l ON l.id = f.link JOIN event e ON e.id = l.event"                     \
    " JOIN city c ON c.code = f.city JOIN area a ON a.code = f.area"                               \
    " LEFT JOIN session s ON s.event = e.id AND s.state <> 'ended'"                                \
    " WHERE l.revoked_us IS NULL"

static const char *const source_names[] = {"srt", "rtmp", "rtsp", "camera"};

void mnb_feed_row_free(MnbFeed *feed)
{
    if (feed == NULL)
        return;
    g_free(feed->link);
    g_free(feed->event);
    g_free(feed->session);
    g_free(feed->name);
    g_free(feed->secret);
    g_free(feed->key_sha256);
    g_free(feed->url);
    g_free(feed->area);
    g_free(feed->city);
    g_free(feed->affiliation);
    g_free(feed);
}

static void free_feed(gpointer data)
{
    mnb_feed_row_free(data);
}

const char *mnb_feed_source_to_string(MnbFeedSource source)
{
    return (guint)source < G_N_ELEMENTS(source_names) ? source_names[source] : NULL;
}

gboolean mnb_feed_source_parse(const char *text, MnbFeedSource *source)
{
    int index = mnb_name_index(source_names, G_N_ELEMENTS(source_names), text);
    if (index < 0)
        return FALSE;
    *source = (MnbFeedSource)index;
    return TRUE;
}

static void derive(const char *token, const char *what, char out[MNB_FEED_KEY_SIZE])
{
    g_autofree char *hex = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)token,
                                                     strlen(token), what, (gssize)strlen(what));
    g_strlcpy(out, hex, MNB_FEED_KEY_SIZE);
}

void mnb_feed_key(const char *token, char key[MNB_FEED_KEY_SIZE])
{
    derive(token, "manabi stream key", key);
}

void mnb_feed_passphrase(const char *token, char passphrase[MNB_FEED_KEY_SIZE])
{
    derive(token, "manabi passphrase", passphrase);
}

static MnbFeed *read_row(MnbStmt *stmt)
{
    MnbFeed *feed = g_new0(MnbFeed, 1);
    feed->link = mnb_stmt_dup_text(stmt, 0);
    feed->event = mnb_stmt_dup_text(stmt, 1);
    feed->session = mnb_stmt_dup_text(stmt, 2);
    feed->is_live = mnb_stmt_int(stmt, 3) != 0;
    feed->name = mnb_stmt_dup_text(stmt, 4);
    mnb_feed_source_parse(mnb_stmt_text(stmt, 5), &feed->source);
    feed->place = (int)mnb_stmt_int(stmt, 6);
    feed->secret = mnb_stmt_dup_text(stmt, 7);
    feed->key_sha256 = mnb_stmt_dup_text(stmt, 8);
    feed->url = mnb_stmt_dup_text(stmt, 9);
    feed->area = mnb_stmt_dup_text(stmt, 10);
    feed->city = mnb_stmt_dup_text(stmt, 11);
    feed->affiliation =
        g_strdup_printf("%s / %s · %s / %s", mnb_stmt_text(stmt, 12), mnb_stmt_text(stmt, 13),
                        mnb_stmt_text(stmt, 14), mnb_stmt_text(stmt, 15));
    feed->created_us = mnb_stmt_int(stmt, 16);
    feed->expires_us = mnb_stmt_int(stmt, 17);
    feed->starts_us = mnb_stmt_int(stmt, 18);
    feed->duration_us = mnb_stmt_int(stmt, 19) * G_USEC_PER_SEC;
    return feed;
}

MnbFeed *mnb_feed_find(MnbDb *db, const char *link, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, FEED_SELECT " AND f.link = ?1", error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, link);
    int result = mnb_stmt_step(stmt, error);
    if (result == 0)
        mnb_set_not_found(error, "feed", link);
    return result > 0 ? read_row(stmt) : NULL;
}

GPtrArray *mnb_feed_list(MnbDb *db, const char *event, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        event != NULL ? FEED_SELECT " AND l.event = ?1 ORDER BY l.created_us, l.rowid"
                      : FEED_SELECT " AND s.id IS NOT NULL ORDER BY l.created_us, l.rowid",
        error);
    if (stmt == NULL)
        return NULL;
    if (event != NULL)
        mnb_stmt_bind_text(stmt, 1, event);
    g_autoptr(GPtrArray) feeds = g_ptr_array_new_with_free_func(free_feed);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(feeds, read_row(stmt));
    return result == 0 ? g_steal_pointer(&feeds) : NULL;
}

/* The lowest port that no feed has whose event is not over. -1 with @error. */
static int find_place(MnbDb *db, int places, GError **error)
{
    g_autoptr(GPtrArray) feeds = mnb_feed_list(db, NULL, error);
    if (feeds == NULL)
        return -1;
    for (int place = 0; place < places; place++) {
        guint i = 0;
        while (i < feeds->len && ((MnbFeed *)feeds->pdata[i])->place != place)
            i++;
        if (i == feeds->len)
            return place;
    }
    g_set_error(error, MNB_ERROR, MNB_ERROR_LIMIT,
                "all ports for feeds by SRT are in use; revoke one that is not needed");
    return -1;
}

static gboolean insert(MnbDb *db, const MnbFeedNew *feed, const char *link, const char *token,
                       int place, GError **error)
{
    char key[MNB_FEED_KEY_SIZE], passphrase[MNB_FEED_KEY_SIZE];
    mnb_feed_key(token, key);
    mnb_feed_passphrase(token, passphrase);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "INSERT INTO feed(link, source, place, secret, key_sha256, url, area, city)"
                       " VALUES (?1, ?2, nullif(?3, -1), ?4, ?5, ?6, ?7, ?8)",
                       error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, link);
    mnb_stmt_bind_text(stmt, 2, source_names[feed->source]);
    mnb_stmt_bind_int(stmt, 3, place);
    mnb_stmt_bind_text(stmt, 4,
                       feed->source == MNB_FEED_SRT    ? passphrase
                       : feed->source == MNB_FEED_RTMP ? key
                                                       : "");
    mnb_stmt_bind_text(stmt, 5, hash);
    mnb_stmt_bind_text(stmt, 6, mnb_text(feed->url));
    mnb_stmt_bind_text(stmt, 7, feed->area);
    mnb_stmt_bind_text(stmt, 8, feed->city);
    return mnb_stmt_run(stmt, error);
}

MnbFeed *mnb_feed_create(MnbDb *db, const MnbFeedNew *feed, gint64 now_us,
                         char token[MNB_TOKEN_SIZE], GError **error)
{
    int place = -1;
    if (feed->name == NULL || feed->name[0] == '\0') {
        g_set_error_literal(error, MNB_ERROR, MNB_ERROR_INVALID, "name: a feed needs one");
        return NULL;
    }
    if (feed->source == MNB_FEED_SRT && (place = find_place(db, feed->places, error)) < 0)
        return NULL;
    g_autoptr(MnbLink) link =
        mnb_link_create(db, MNB_LINK_ROLE, feed->event, NULL, MNB_ROLE_PRESENTER, feed->name, 0,
                        now_us, token, error);
    if (link == NULL || !insert(db, feed, link->id, token, place, error))
        return NULL;
    return mnb_feed_find(db, link->id, error);
}
