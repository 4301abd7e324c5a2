/* fake-rooms.c - stands in for server/rooms where only what HTTP does with its answers is tested.
 *
 * Sessions take every offer that begins with "v=0" and answer 30 ms later; what is asked in a
 * broken, full or dead room is chosen by a word in the offer. Real rooms are tested by the suites
 * that run the whole server. */
#include "server/base/ids.h"
#include "server/rooms/doors.h"
#include "server/rooms/feeds.h"
#include "server/rooms/line-checks.h"
#include "server/rooms/slides.h"
#include <stdio.h>
#include <string.h>

MnbLineChecks *mnb_rooms_line_checks(MnbRooms *self)
{
    return NULL; /* no media */
}

gboolean mnb_line_checks_begin(MnbLineChecks *self, const char *publish, const char *receive,
                               char **publish_answer, char **receive_answer, GError **error)
{
    g_assert_not_reached();
}

#define DELAY_MS 30

struct MnbRooms {
    GHashTable *resources; /* id -> link */
    GPtrArray *waiting;    /* Answer */
};

typedef struct {
    MnbRooms *rooms;
    MnbDoorDone done;
    gpointer data;
    char *link;
    char *resource; /* of a PATCH or DELETE */
    char *sdp;
    GError *error;
    gboolean is_post;
    gboolean is_delete;
    guint timer;
} Answer;

MnbRooms *mnb_rooms_new(const MnbRoomsOptions *options, GError **error)
{
    MnbRooms *rooms = g_new0(MnbRooms, 1);
    rooms->resources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    rooms->waiting = g_ptr_array_new();
    return rooms;
}

/* Slides are tried by the suites that run the whole server. */
void mnb_slides_ticket_free(MnbSlidesTicket *ticket)
{
}

MnbSlidesTicket *mnb_rooms_slides_take(MnbRooms *rooms, const char *session, const char *ticket,
                                       GError **error)
{
    g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NOT_ALLOWED, "no such ticket");
    return NULL;
}

void mnb_rooms_slides_add(MnbRooms *rooms, MnbSlidesTicket *ticket, GBytes *pdf,
                          MnbSlidesAdded done, gpointer data)
{
}

static gboolean on_answer(gpointer data)
{
    Answer *answer = data;
    g_ptr_array_remove(answer->rooms->waiting, answer);
    MnbDoorAnswer found = {.resource = answer->resource, .sdp = answer->sdp, .etag = "ice2"};
    if (answer->error == NULL && answer->is_post) {
        answer->resource = mnb_id_new();
        found = (MnbDoorAnswer){answer->resource, answer->sdp, "ice1"};
        g_hash_table_insert(answer->rooms->resources, g_strdup(answer->resource),
                            g_strdup(answer->link));
    }
    if (answer->error == NULL && answer->is_delete)
        g_hash_table_remove(answer->rooms->resources, answer->resource);
    answer->done(answer->error == NULL ? &found : NULL, answer->error, answer->data);
    g_clear_error(&answer->error);
    g_free(answer->resource);
    g_free(answer->link);
    g_free(answer->sdp);
    g_free(answer);
    return G_SOURCE_REMOVE;
}

/* What still waits is answered, as doors.h promises. */
void mnb_rooms_free(MnbRooms *self)
{
    if (self == NULL)
        return;
    while (self->waiting->len > 0) {
        Answer *answer = g_ptr_array_index(self->waiting, 0);
        g_source_remove(answer->timer);
        on_answer(answer);
    }
    g_ptr_array_unref(self->waiting);
    g_hash_table_unref(self->resources);
    g_free(self);
}

static Answer *new_answer(MnbRooms *self, const MnbDoorAsker *asker, MnbDoorDone done,
                          gpointer data)
{
    Answer *answer = g_new0(Answer, 1);
    answer->rooms = self;
    answer->done = done;
    answer->data = data;
    answer->link = g_strdup(asker->link);
    return answer;
}

static void open_door(MnbRooms *self, const MnbDoorAsker *asker, const char *offer, gsize len,
                      MnbDoorDone done, gpointer data)
{
    static const struct {
        const char *word;
        MnbRoomsError error;
    } wishes[] = {
        {"not-live", MNB_ROOMS_ERROR_NOT_LIVE}, {"no-codec", MNB_ROOMS_ERROR_NO_COMMON_CODEC},
        {"full", MNB_ROOMS_ERROR_ROOM_FULL},    {"no-worker", MNB_ROOMS_ERROR_MEDIA_UNAVAILABLE},
        {"broken", MNB_ROOMS_ERROR_STORAGE},
    };
    Answer *answer = new_answer(self, asker, done, data);
    g_autofree char *text = g_strndup(offer, len);
    answer->is_post = TRUE;
    answer->sdp = g_strdup_printf("v=0\r\ns=%s for %s\r\n", asker->role, asker->label);
    for (guint i = 0; i < G_N_ELEMENTS(wishes); i++)
        if (strstr(text, wishes[i].word) != NULL)
            answer->error = g_error_new(MNB_ROOMS_ERROR, wishes[i].error, "as was wished");
    if (!g_str_has_prefix(text, "v=0"))
        answer->error = g_error_new(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_BAD_SDP, "this is no offer");
    g_ptr_array_add(self->waiting, answer);
    answer->timer =
        g_timeout_add(strstr(text, "slow") != NULL ? 5000 : DELAY_MS, on_answer, answer);
}

void mnb_rooms_whip(MnbRooms *self, const MnbDoorAsker *asker, const char *offer, gsize len,
                    MnbDoorDone done, gpointer data)
{
    open_door(self, asker, offer, len, done, data);
}

void mnb_rooms_whep(MnbRooms *self, const MnbDoorAsker *asker, const char *peer, const char *offer,
                    gsize len, MnbDoorDone done, gpointer data)
{
    open_door(self, asker, offer, len, done, data);
}

static Answer *find_resource(MnbRooms *self, const MnbDoorAsker *asker, const char *resource,
                             MnbDoorDone done, gpointer data)
{
    Answer *answer = new_answer(self, asker, done, data);
    answer->resource = g_strdup(resource);
    const char *link = g_hash_table_lookup(self->resources, resource);
    if (g_strcmp0(link, asker->link) != 0)
        answer->error = g_error_new(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NOT_FOUND, "no such resource");
    return answer;
}

void mnb_rooms_resource_patch(MnbRooms *self, const MnbDoorAsker *asker, const char *resource,
                              const char *if_match, const char *fragment, gsize len,
                              MnbDoorDone done, gpointer data)
{
    Answer *answer = find_resource(self, asker, resource, done, data);
    g_autofree char *text = g_strndup(fragment, len);
    if (answer->error == NULL && strcmp(if_match, "*") != 0 && strcmp(if_match, "ice1") != 0)
        answer->error =
            g_error_new(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_BAD_PRECONDITION, "an older session");
    if (strstr(text, "a=ice-ufrag:new") != NULL)
        answer->sdp = g_strdup("a=ice-lite\r\na=ice-ufrag:ours\r\na=ice-pwd:secret\r\n");
    on_answer(answer); /* at once: a done function may be called before we return */
}

void mnb_rooms_resource_delete(MnbRooms *self, const MnbDoorAsker *asker, const char *resource,
                               MnbDoorDone done, gpointer data)
{
    Answer *answer = find_resource(self, asker, resource, done, data);
    answer->is_delete = TRUE;
    on_answer(answer);
}

void mnb_rooms_event_changed(MnbRooms *self, const char *event)
{
    printf("event-changed %s\n", event);
    fflush(stdout);
}

void mnb_rooms_revoke_link(MnbRooms *self, const char *link)
{
    printf("link-revoked %s\n", link);
    fflush(stdout);
}

void mnb_rooms_write_metrics(MnbRooms *self, GString *out)
{
    g_string_append(out, "# TYPE manabi_rooms_sessions gauge\nmanabi_rooms_sessions 1\n");
}

/* ---- feeds: SRT is taken, and nothing ever arrives ---- */

gboolean mnb_rooms_takes_feeds(MnbRooms *rooms, MnbFeedSource source)
{
    return source != MNB_FEED_RTMP;
}

guint16 mnb_rooms_feed_port(MnbRooms *rooms, const MnbFeed *feed)
{
    return feed->source == MNB_FEED_SRT ? (guint16)(9710 + feed->place) : 0;
}

int mnb_rooms_feed_places(MnbRooms *rooms)
{
    return 2;
}

gboolean mnb_rooms_may_call(MnbRooms *rooms, const char *url, GError **error)
{
    return g_str_has_prefix(url, "rtsp://203.0.113.");
}

void mnb_rooms_feeds_changed(MnbRooms *rooms)
{
}

json_t *mnb_rooms_feed_status(MnbRooms *rooms, const MnbFeed *feed)
{
    return json_pack("{s:s, s:n, s:n, s:n}", "state", "waiting", "arriving", "refused", "gone");
}
