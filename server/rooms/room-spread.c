/* A room that is too large for one media worker. Everybody publishes at the room's own worker; a
 * receiver that finds it full is put to another one, where the room has a branch: each publishing
 * transport is copied there by a tap and a feed (server/media/tap.h, feed.h), its tracks under the
 * ids they have at home. Requests for key frames come back by way of us. A branch goes with its
 * last receiver; when either worker dies, the receivers of the branch subscribe again. */
#include "server/base/log.h"
#include "server/media/packet-ring.h"
#include "server/rooms/room.h"
#include <sys/eventfd.h>
#include <unistd.h>

#define RING_BYTES   (1u << 20) /* half a second of a large camera */
#define BRANCHES_MAX 6          /* a track's taps, less the recorder's */

/* A publishing transport of the room, as the branch has it. */
typedef struct {
    guint32 publisher; /* transport at home */
    guint32 tap;       /* at home */
    guint32 transport; /* at the branch */
} Copy;

struct MnbBranch {
    MnbMediaWorker *worker;
    guint32 media_room;
    GArray *copies;
};

static void branch_free(gpointer data)
{
    MnbBranch *branch = data;
    g_array_unref(branch->copies);
    g_free(branch);
}

GPtrArray *mnb_room_branches_new(void)
{
    return g_ptr_array_new_with_free_func(branch_free);
}

static MnbBranch *find_branch(const MnbRoom *room, const MnbMediaWorker *worker)
{
    for (guint i = 0; i < room->branches->len; i++) {
        MnbBranch *branch = g_ptr_array_index(room->branches, i);
        if (branch->worker == worker)
            return branch;
    }
    return NULL;
}

guint32 mnb_room_id_at(const MnbRoom *room, const MnbMediaWorker *worker)
{
    const MnbBranch *branch = worker == room->worker ? NULL : find_branch(room, worker);
    return branch != NULL ? branch->media_room : room->media_room;
}

static const Copy *find_copy(const MnbBranch *branch, guint32 publisher)
{
    for (guint i = 0; i < branch->copies->len; i++)
        if (g_array_index(branch->copies, Copy, i).publisher == publisher)
            return &g_array_index(branch->copies, Copy, i);
    return NULL;
}

/* ------------------------------------------------------------------------------ tracks at a branch
 */

/* Joins the two workers by a ring. FALSE: it could not be made; the branch does without. */
static gboolean open_copy(const MnbRoom *room, MnbBranch *branch, guint32 publisher)
{
    const Copy copy = {.publisher = publisher,
                       .tap = mnb_media_worker_new_id(room->worker),
                       .transport = mnb_media_worker_new_id(branch->worker)};
    const MnbFeedOpen feed = {copy.transport, branch->media_room};
    int memfd = mnb_ring_create(RING_BYTES);
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    gboolean is_open = memfd >= 0 && event >= 0 &&
                       mnb_media_worker_feed_open(branch->worker, &feed, memfd, event) &&
                       mnb_media_worker_tap_open(room->worker, copy.tap, memfd, event);
    if (memfd >= 0)
        close(memfd);
    if (event >= 0)
        close(event);
    if (is_open)
        g_array_append_val(branch->copies, copy);
    else
        MNB_LOG_WARNING("a publisher cannot be copied to another media worker", "session=%s",
                        room->state->session);
    return is_open;
}

static void copy_track(const MnbRoom *room, MnbBranch *branch, const MnbPublication *publication,
                       guint layer)
{
    guint32 publisher = publication->member->publish->id;
    const Copy *copy = find_copy(branch, publisher);
    if (copy == NULL) {
        if (!open_copy(room, branch, publisher))
            return;
        copy = find_copy(branch, publisher);
    }
    MnbTrackAdd add = {.track = publication->layers[layer].track, .transport = copy->transport};
    mnb_sdp_fill_track(&add, &publication->media, publication->codec, layer);
    /* What comes out of a ring is in order and repaired, and nobody is to be told about it. */
    add.ssrc = add.rtx_ssrc = 0;
    add.rtx_pt = add.has_nack = add.has_twcc = 0;
    mnb_media_worker_track_add(branch->worker, &add);
    mnb_media_worker_tap_track(room->worker, copy->tap, add.track, TRUE);
}

void mnb_room_spread_publication(const MnbPublication *publication)
{
    const MnbRoom *room = publication->member->room;
    for (guint b = 0; b < room->branches->len; b++)
        for (guint i = 0; i < publication->layer_count; i++)
            copy_track(room, g_ptr_array_index(room->branches, b), publication, i);
}

void mnb_room_unspread_track(const MnbRoom *room, guint32 track)
{
    for (guint b = 0; b < room->branches->len; b++)
        mnb_media_worker_track_remove(((MnbBranch *)g_ptr_array_index(room->branches, b))->worker,
                                      track);
}

static void close_copy(const MnbRoom *room, const MnbBranch *branch, const Copy *copy)
{
    mnb_media_worker_tap_close(room->worker, copy->tap);
    mnb_media_worker_transport_close(branch->worker, copy->transport);
}

void mnb_room_unspread_publisher(const MnbRoom *room, guint32 publisher)
{
    for (guint b = 0; b < room->branches->len; b++) {
        MnbBranch *branch = g_ptr_array_index(room->branches, b);
        for (guint i = branch->copies->len; i > 0; i--) {
            const Copy *copy = &g_array_index(branch->copies, Copy, i - 1);
            if (copy->publisher != publisher)
                continue;
            close_copy(room, branch, copy);
            g_array_remove_index_fast(branch->copies, i - 1);
        }
    }
}

/* ---------------------------------------------------------------------------------- branches */

static MnbBranch *open_branch(MnbRoom *room, MnbMediaWorker *worker)
{
    MnbBranch *branch = g_new0(MnbBranch, 1);
    GHashTableIter iter;
    gpointer value;
    branch->worker = worker;
    branch->media_room = mnb_media_worker_new_id(worker);
    branch->copies = g_array_new(FALSE, FALSE, sizeof(Copy));
    g_ptr_array_add(room->branches, branch);
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MnbMember *member = value;
        for (guint s = 0; s < MNB_N_SOURCES; s++)
            for (guint i = 0;
                 member->publications[s] != NULL && i < member->publications[s]->layer_count; i++)
                copy_track(room, branch, member->publications[s], i);
    }
    MNB_LOG_INFO("a room is spread to one more media worker", "session=%s worker=%u branches=%u",
                 room->state->session, mnb_media_worker_index(worker), room->branches->len);
    return branch;
}

static void close_branch(MnbRoom *room, MnbBranch *branch)
{
    for (guint i = 0; i < branch->copies->len; i++)
        close_copy(room, branch, &g_array_index(branch->copies, Copy, i));
    g_ptr_array_remove_fast(room->branches, branch);
}

static guint count_receivers(const MnbRoom *room, const MnbMediaWorker *worker)
{
    guint n = 0;
    for (guint i = 0; i < room->receivers->len; i++)
        n += ((MnbReceiver *)g_ptr_array_index(room->receivers, i))->transport->worker == worker;
    return n;
}

MnbMediaWorker *mnb_room_place_receiver(MnbRoom *room)
{
    MnbMediaPool *pool = room->rooms->pool;
    MnbMediaWorker *best = room->worker;
    guint least = count_receivers(room, best);
    if (least < room->rooms->spread)
        return best;
    for (guint i = 0; i < room->branches->len; i++) {
        MnbBranch *branch = g_ptr_array_index(room->branches, i);
        guint n = count_receivers(room, branch->worker);
        if (n < least && mnb_media_worker_is_ready(branch->worker)) {
            best = branch->worker;
            least = n;
        }
    }
    if (least < room->rooms->spread || room->branches->len == BRANCHES_MAX)
        return best;
    MnbMediaWorker *next = NULL;
    for (guint i = 0; i < mnb_media_pool_count(pool); i++) {
        MnbMediaWorker *worker = mnb_media_pool_get(pool, i);
        if (worker != room->worker && mnb_media_worker_is_ready(worker) &&
            find_branch(room, worker) == NULL &&
            (next == NULL ||
             mnb_media_worker_cpu_permille(worker) < mnb_media_worker_cpu_permille(next)))
            next = worker;
    }
    return next != NULL ? open_branch(room, next)->worker : best;
}

void mnb_room_receiver_gone(MnbRoom *room, const MnbMediaWorker *worker)
{
    MnbBranch *branch = find_branch(room, worker);
    if (branch != NULL && count_receivers(room, worker) == 0)
        close_branch(room, branch);
}

/* ------------------------------------------------------------------------- when a worker is gone
 */

void mnb_room_forget_branches(MnbRoom *room)
{
    while (room->branches->len > 0)
        close_branch(room, g_ptr_array_index(room->branches, 0));
}

/* Whose receiver was there begins anew; the others notice nothing. */
void mnb_room_drop_branch(MnbRoom *room, const MnbMediaWorker *worker)
{
    MnbBranch *branch = find_branch(room, worker);
    if (branch == NULL)
        return;
    g_autofree char *text = mnb_room_json_message("media-restart", NULL);
    guint n = 0;
    close_branch(room, branch);
    for (guint i = room->receivers->len; i > 0; i--) {
        MnbTransport *transport =
            ((MnbReceiver *)g_ptr_array_index(room->receivers, i - 1))->transport;
        MnbClient *client = transport->member != NULL ? transport->member->client : NULL;
        if (transport->worker != worker)
            continue;
        n++;
        mnb_transport_close(transport);
        if (client != NULL)
            mnb_client_tell(client, text);
    }
    MNB_LOG_WARNING("a branch of a session is gone", "session=%s worker=%u receivers=%u",
                    room->state->session, mnb_media_worker_index(worker), n);
}

gboolean mnb_room_owns_copy(const MnbRoom *room, const MnbMediaWorker *worker, guint32 transport)
{
    const MnbBranch *branch = find_branch(room, worker);
    for (guint i = 0; branch != NULL && i < branch->copies->len; i++)
        if (g_array_index(branch->copies, Copy, i).transport == transport)
            return TRUE;
    return FALSE;
}
