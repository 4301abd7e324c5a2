#include "server/rooms/line-checks.h"

#include "server/base/ids.h"
#include "server/base/log.h"
#include "server/rooms/ice-local.h"
#include <string.h>

struct MnbLineChecks {
    MnbMediaPool *pool;
    guint listener;
    GPtrArray *checks; /* Check */
};

typedef struct {
    MnbLineChecks *owner;
    MnbMediaWorker *worker;
    guint32 publish, receive; /* transports */
    guint timeout;
} Check;

/* One of the two offers, judged. */
typedef struct {
    MnbSdp *sdp;
    guint media; /* the m-line that is taken */
} Offer;

static void check_free(gpointer data)
{
    Check *check = data;
    /* A worker that has died meanwhile knows neither, and ignores it. */
    mnb_media_worker_transport_close(check->worker, check->publish);
    mnb_media_worker_transport_close(check->worker, check->receive);
    g_clear_handle_id(&check->timeout, g_source_remove);
    g_free(check);
}

static void on_transport_state(MnbMediaWorker *worker, const MnbTransportState *state,
                               gpointer data)
{
    MnbLineChecks *self = data;
    if (state->state != MNB_TRANSPORT_CLOSED)
        return;
    for (guint i = 0; i < self->checks->len; i++) {
        const Check *check = g_ptr_array_index(self->checks, i);
        if (check->publish == state->transport || check->receive == state->transport) {
            g_ptr_array_remove_index_fast(self->checks, i);
            return;
        }
    }
}

static void on_gone(MnbMediaWorker *worker, gpointer data)
{
    MnbLineChecks *self = data;
    for (guint i = self->checks->len; i > 0; i--)
        if (((Check *)g_ptr_array_index(self->checks, i - 1))->worker == worker)
            g_ptr_array_remove_index_fast(self->checks, i - 1);
}

static const MnbMediaEvents events = {.transport_state = on_transport_state, .gone = on_gone};

static gboolean on_time_over(gpointer data)
{
    Check *check = data;
    check->timeout = 0;
    g_ptr_array_remove_fast(check->owner->checks, check);
    return G_SOURCE_REMOVE;
}

MnbLineChecks *mnb_line_checks_new(MnbMediaPool *pool)
{
    MnbLineChecks *self = g_new0(MnbLineChecks, 1);
    self->pool = pool;
    self->listener = mnb_media_pool_listen(pool, &events, self);
    self->checks = g_ptr_array_new_with_free_func(check_free);
    return self;
}

void mnb_line_checks_free(MnbLineChecks *self)
{
    if (self == NULL)
        return;
    mnb_media_pool_unlisten(self->pool, self->listener);
    g_ptr_array_unref(self->checks);
    g_free(self);
}

guint mnb_line_checks_count(const MnbLineChecks *self)
{
    return self->checks->len;
}

/* Refuses all m-lines but the first picture in that direction. */
static gboolean read_offer(const char *text, const char *name, MnbSdpDirection unwanted, Offer *out,
                           GError **error)
{
    gboolean has_media = FALSE;
    out->sdp = mnb_sdp_parse(text, strlen(text), MNB_SDP_OFFER, error);
    if (out->sdp == NULL) {
        g_prefix_error(error, "%s: ", name);
        return FALSE;
    }
    for (guint i = 0; i < out->sdp->media_count; i++) {
        MnbSdpMedia *media = &out->sdp->media[i];
        gboolean fits = !has_media && !media->is_refused && media->is_video &&
                        media->direction != unwanted && media->direction != MNB_SDP_INACTIVE &&
                        mnb_sdp_choose_codec(media) == MNB_CODEC_VP8;
        media->is_refused = !fits;
        if (fits)
            out->media = i;
        has_media = has_media || fits;
    }
    if (!has_media)
        g_set_error(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NO_COMMON_CODEC,
                    "%s: no m-line has a VP8 picture in that direction", name);
    return has_media;
}

typedef struct {
    guint32 transport;
    char ufrag[MNB_ICE_UFRAG_MAX];
    char pwd[MNB_ICE_PWD_MAX];
    MnbSdpCandidate candidates[MNB_MEDIA_ADDRESSES_MAX];
    MnbSdpLocal local;
} Side;

static void open_side(MnbMediaWorker *worker, guint32 room, MnbDirection direction,
                      const MnbSdp *sdp, Side *side)
{
    side->transport = mnb_media_worker_new_id(worker);
    mnb_ice_make_credentials(worker, side->ufrag, side->pwd);
    mnb_ice_fill_local(worker, side->ufrag, side->pwd, side->candidates, &side->local);
    mnb_random_fill(&side->local.session, sizeof side->local.session);
    side->local.version = 1;
    MnbTransportOpen open = {
        .transport = side->transport, .room = room, .direction = (guint8)direction};
    g_strlcpy(open.ufrag, side->ufrag, sizeof open.ufrag);
    g_strlcpy(open.pwd, side->pwd, sizeof open.pwd);
    mnb_media_worker_transport_open(worker, &open);
    MnbTransportRemote remote = {.transport = side->transport};
    g_strlcpy(remote.ufrag, sdp->ufrag, sizeof remote.ufrag);
    memcpy(remote.fingerprint, sdp->fingerprint, sizeof remote.fingerprint);
    mnb_media_worker_transport_remote(worker, &remote);
}

static guint32 random_ssrc(void)
{
    guint32 ssrc = 0;
    while (ssrc == 0)
        mnb_random_fill(&ssrc, sizeof ssrc);
    return ssrc;
}

/* The picture that comes in on @publish goes out again on @receive. Returns (owned): the answer. */
static char *join_sides(MnbMediaWorker *worker, const Offer offers[2], const Side sides[2])
{
    const MnbSdpMedia *sent = &offers[0].sdp->media[offers[0].media];
    const MnbSdpMedia *wanted = &offers[1].sdp->media[offers[1].media];
    MnbTrackAdd track = {.track = mnb_media_worker_new_id(worker), .transport = sides[0].transport};
    mnb_sdp_fill_track(&track, sent, MNB_CODEC_VP8, 0);
    mnb_media_worker_track_add(worker, &track);
    MnbSdpSlot slot = {
        .is_video = TRUE, .ssrc = random_ssrc(), .rtx_ssrc = random_ssrc(), .stream = "check"};
    g_strlcpy(slot.mid, wanted->mid, sizeof slot.mid);
    MnbSlotAdd add = {.slot = mnb_media_worker_new_id(worker), .transport = sides[1].transport};
    mnb_sdp_fill_slot(&add, &slot, wanted);
    mnb_media_worker_slot_add(worker, &add);
    mnb_media_worker_transport_limit(worker, sides[1].transport, MNB_LINE_CHECK_BPS);
    mnb_media_worker_slot_bind(worker, add.slot, track.track, 0);
    return mnb_sdp_answer_receive(offers[1].sdp, &sides[1].local, &slot, &offers[1].media, 1);
}

static MnbMediaWorker *find_worker(MnbLineChecks *self, GError **error)
{
    if (self->checks->len >= MNB_LINE_CHECKS_MAX) {
        g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_TOO_MANY,
                            "many people try their lines just now; try again in half a minute");
        return NULL;
    }
    MnbMediaWorker *worker = mnb_media_pool_pick(self->pool);
    if (worker == NULL || mnb_media_worker_stats(worker)->transports + 2 > MNB_TRANSPORTS_MAX) {
        g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_MEDIA_UNAVAILABLE,
                            "no media worker is ready; try again in a second");
        return NULL;
    }
    return worker;
}

static void begin(MnbLineChecks *self, MnbMediaWorker *worker, const Offer offers[2],
                  char **publish_answer, char **receive_answer)
{
    Side sides[2] = {0};
    MnbCodec taken[MNB_SDP_MEDIA_MAX];
    guint32 room = mnb_media_worker_new_id(worker);
    open_side(worker, room, MNB_PUBLISH, offers[0].sdp, &sides[0]);
    open_side(worker, room, MNB_RECEIVE, offers[1].sdp, &sides[1]);
    *receive_answer = join_sides(worker, offers, sides);
    *publish_answer = mnb_sdp_answer_publish(offers[0].sdp, &sides[0].local, taken, NULL);
    Check *check = g_new0(Check, 1);
    check->owner = self;
    check->worker = worker;
    check->publish = sides[0].transport;
    check->receive = sides[1].transport;
    check->timeout = g_timeout_add_seconds(MNB_LINE_CHECK_S, on_time_over, check);
    g_ptr_array_add(self->checks, check);
    MNB_LOG_DEBUG("line check", "worker=%u publish=%u receive=%u", mnb_media_worker_index(worker),
                  check->publish, check->receive);
}

gboolean mnb_line_checks_begin(MnbLineChecks *self, const char *publish, const char *receive,
                               char **publish_answer, char **receive_answer, GError **error)
{
    Offer offers[2] = {0};
    MnbMediaWorker *worker = NULL;
    if (read_offer(publish, "publish", MNB_SDP_RECVONLY, &offers[0], error) &&
        read_offer(receive, "receive", MNB_SDP_SENDONLY, &offers[1], error))
        worker = find_worker(self, error);
    if (worker != NULL)
        begin(self, worker, offers, publish_answer, receive_answer);
    mnb_sdp_free(offers[0].sdp);
    mnb_sdp_free(offers[1].sdp);
    return worker != NULL;
}
