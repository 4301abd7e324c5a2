/* Peer connections of a room at its media worker: publishing and receiving. */
#include "server/base/ids.h"
#include "server/base/log.h"
#include "server/rooms/ice-local.h"
#include "server/rooms/room.h"
#include <string.h>

static gboolean fail(GError **error, MnbRoomsError code, const char *text)
{
    g_set_error_literal(error, MNB_ROOMS_ERROR, code, text);
    return FALSE;
}

void mnb_room_set_worker(MnbRoom *room, MnbMediaWorker *worker)
{
    MnbRooms *rooms = room->rooms;
    if (room->media_room != 0)
        g_hash_table_remove(rooms->by_media_room, GUINT_TO_POINTER(room->media_room));
    mnb_room_forget_branches(room);
    room->worker = worker;
    room->media_room = mnb_media_worker_new_id(worker);
    g_hash_table_insert(rooms->by_media_room, GUINT_TO_POINTER(room->media_room), room);
}

gboolean mnb_room_pick_worker(MnbRoom *room)
{
    MnbRooms *rooms = room->rooms;
    if (room->worker != NULL || rooms->pool == NULL)
        return room->worker != NULL;
    MnbMediaWorker *worker = mnb_media_pool_pick(rooms->pool);
    if (worker != NULL)
        mnb_room_set_worker(room, worker);
    return worker != NULL;
}

static const char no_worker[] = "no media worker is ready; try again in a second";

static MnbMediaWorker *ready_worker(MnbRoom *room, GError **error)
{
    if (!mnb_room_pick_worker(room) || !mnb_media_worker_is_ready(room->worker)) {
        fail(error, MNB_ROOMS_ERROR_MEDIA_UNAVAILABLE, no_worker);
        return NULL;
    }
    return room->worker;
}

/* The worker for a new connection; NULL with @error when it has no place left. */
static MnbMediaWorker *roomy_worker(MnbRoom *room, MnbDirection direction, GError **error)
{
    MnbMediaWorker *worker = ready_worker(room, error);
    if (worker != NULL && direction == MNB_RECEIVE)
        worker = mnb_room_place_receiver(room);
    if (worker != NULL && mnb_media_worker_stats(worker)->transports >= MNB_TRANSPORTS_MAX) {
        fail(error, MNB_ROOMS_ERROR_MEDIA_UNAVAILABLE, "the media worker has no place left");
        return NULL;
    }
    return worker;
}

/* ---------------------------------------------------------------------------------- transports */

static MnbTransport *transport_open(MnbRoom *room, MnbMediaWorker *worker, MnbDirection direction)
{
    MnbTransport *transport = g_new0(MnbTransport, 1);
    transport->room = room;
    transport->worker = worker;
    transport->id = mnb_media_worker_new_id(worker);
    transport->direction = direction;
    mnb_random_fill(&transport->session, sizeof transport->session);
    mnb_ice_make_credentials(worker, transport->ufrag, transport->pwd);
    MnbTransportOpen open = {
        .transport = transport->id,
        .room = mnb_room_id_at(room, worker),
        .direction = (guint8)direction,
    };
    g_strlcpy(open.ufrag, transport->ufrag, sizeof open.ufrag);
    g_strlcpy(open.pwd, transport->pwd, sizeof open.pwd);
    mnb_media_worker_transport_open(worker, &open);
    g_hash_table_insert(room->rooms->transports, GUINT_TO_POINTER(transport->id), transport);
    return transport;
}

static void transport_set_remote(MnbTransport *transport, const MnbSdp *sdp)
{
    MnbTransportRemote remote = {.transport = transport->id};
    g_strlcpy(remote.ufrag, sdp->ufrag, sizeof remote.ufrag);
    memcpy(remote.fingerprint, sdp->fingerprint, sizeof remote.fingerprint);
    g_strlcpy(transport->remote_ufrag, sdp->ufrag, sizeof transport->remote_ufrag);
    memcpy(transport->remote_fingerprint, sdp->fingerprint, sizeof sdp->fingerprint);
    mnb_media_worker_transport_remote(transport->worker, &remote);
}

/* @candidates: borrowed by @local. */
static void fill_local(MnbTransport *transport, MnbSdpLocal *local,
                       MnbSdpCandidate candidates[MNB_MEDIA_ADDRESSES_MAX])
{
    mnb_ice_fill_local(transport->worker, transport->ufrag, transport->pwd, candidates, local);
    local->session = transport->session;
    local->version = ++transport->version;
}

static void restart_ice(MnbTransport *transport, const char *remote_ufrag)
{
    mnb_ice_make_credentials(transport->worker, transport->ufrag, transport->pwd);
    MnbTransportRestart restart = {.transport = transport->id};
    g_strlcpy(restart.ufrag, transport->ufrag, sizeof restart.ufrag);
    g_strlcpy(restart.pwd, transport->pwd, sizeof restart.pwd);
    g_strlcpy(restart.remote_ufrag, remote_ufrag, sizeof restart.remote_ufrag);
    g_strlcpy(transport->remote_ufrag, remote_ufrag, sizeof transport->remote_ufrag);
    mnb_media_worker_transport_restart(transport->worker, &restart);
}

gboolean mnb_transport_restart(MnbTransport *transport, const char *remote_ufrag,
                               char **sdp_fragment_out, GError **error)
{
    MnbSdpLocal local;
    MnbSdpCandidate candidates[MNB_MEDIA_ADDRESSES_MAX];
    if (!mnb_media_worker_is_ready(transport->worker))
        return fail(error, MNB_ROOMS_ERROR_MEDIA_UNAVAILABLE, no_worker);
    restart_ice(transport, remote_ufrag);
    fill_local(transport, &local, candidates);
    *sdp_fragment_out = mnb_sdp_fragment(&local);
    return TRUE;
}

static void publication_free(MnbPublication *publication)
{
    MnbMember *member = publication->member;
    MnbRoom *room = member->room;
    mnb_room_record_forget(room, publication);
    for (guint i = 0; i < publication->layer_count; i++)
        g_hash_table_remove(room->rooms->publications,
                            GUINT_TO_POINTER(publication->layers[i].track));
    member->publications[publication->source] = NULL;
    g_free(publication);
}

static void remove_publication(MnbPublication *publication)
{
    MnbMediaWorker *worker = publication->member->room->worker;
    for (guint i = 0; i < publication->layer_count; i++) {
        mnb_media_worker_track_remove(worker, publication->layers[i].track);
        mnb_room_unspread_track(publication->member->room, publication->layers[i].track);
    }
    publication_free(publication);
}

/* Forgets it here; the worker has forgotten it, or is told by the caller. */
void mnb_transport_forget(MnbTransport *transport)
{
    MnbRoom *room = transport->room;
    MnbMember *member = transport->member;
    const MnbMediaWorker *worker = transport->worker;
    if (transport->direction == MNB_PUBLISH)
        mnb_room_unspread_publisher(room, transport->id);
    if (transport->direction == MNB_PUBLISH && member != NULL) {
        for (guint i = 0; i < MNB_N_SOURCES; i++)
            if (member->publications[i] != NULL)
                publication_free(member->publications[i]);
        if (member->publish == transport)
            member->publish = NULL;
    }
    if (transport->receiver != NULL) {
        if (member != NULL && member->receiver == transport->receiver)
            member->receiver = NULL;
        g_ptr_array_remove(room->receivers, transport->receiver);
        g_free(transport->receiver);
    }
    g_hash_table_remove(room->rooms->transports, GUINT_TO_POINTER(transport->id));
    mnb_doors_forget(transport);
    g_free(transport);
    mnb_room_receiver_gone(room, worker);
    mnb_room_reassign(room);
}

void mnb_transport_close(MnbTransport *transport)
{
    mnb_media_worker_transport_close(transport->worker, transport->id);
    mnb_transport_forget(transport);
}

/* ---------------------------------------------------------------------------------- publishing */

gboolean mnb_publication_is_on(const MnbPublication *publication)
{
    const MnbMember *member = publication->member;
    const MnbPeer *peer = mnb_room_peer(member->room, member->peer);
    const MnbPeerTrack *track = peer != NULL ? &peer->tracks[publication->source] : NULL;
    return track != NULL && track->is_on && strcmp(track->id, publication->key) == 0;
}

static gboolean is_kind_of(const MnbSdpMedia *media, MnbSource source)
{
    return source == MNB_SOURCE_MICROPHONE ? media->is_audio : media->is_video;
}

/* Which m-line is which source: as the client says. */
static gboolean plan_named(MnbSdp *sdp, const MnbPublishTrack *tracks, guint count,
                           int plan[MNB_N_SOURCES], GError **error)
{
    for (guint t = 0; t < count; t++) {
        guint i = 0;
        while (i < sdp->media_count && strcmp(sdp->media[i].mid, tracks[t].mid) != 0)
            i++;
        if (i == sdp->media_count)
            return fail(error, MNB_ROOMS_ERROR_BAD_SDP,
                        "tracks names a mid that is not in the SDP");
        if (plan[tracks[t].source] >= 0)
            return fail(error, MNB_ROOMS_ERROR_BAD_SDP, "tracks has two of the same source");
        if (!is_kind_of(&sdp->media[i], tracks[t].source))
            return fail(error, MNB_ROOMS_ERROR_BAD_SDP,
                        "a microphone must be an audio m-line, a camera or screen a video one");
        plan[tracks[t].source] = (int)i;
    }
    return TRUE;
}

/* An encoder: first sound, first picture, second picture. */
static void plan_by_kind(const MnbSdp *sdp, int plan[MNB_N_SOURCES])
{
    for (guint i = 0; i < sdp->media_count; i++) {
        const MnbSdpMedia *media = &sdp->media[i];
        if (media->is_refused || media->direction == MNB_SDP_RECVONLY ||
            media->direction == MNB_SDP_INACTIVE)
            continue;
        MnbSource source = media->is_audio                ? MNB_SOURCE_MICROPHONE
                           : plan[MNB_SOURCE_CAMERA] >= 0 ? MNB_SOURCE_SCREEN
                                                          : MNB_SOURCE_CAMERA;
        if (plan[source] < 0)
            plan[source] = (int)i;
    }
}

/* m-lines that are nobody's are refused in the answer. */
static void refuse_unplanned(MnbSdp *sdp, const int plan[MNB_N_SOURCES])
{
    for (guint i = 0; i < sdp->media_count; i++) {
        gboolean is_planned = FALSE;
        for (guint s = 0; s < MNB_N_SOURCES; s++)
            is_planned = is_planned || plan[s] == (int)i;
        sdp->media[i].is_refused = sdp->media[i].is_refused || !is_planned;
    }
}

static void add_publication(MnbMember *member, MnbSource source, const MnbSdpMedia *media,
                            MnbCodec codec)
{
    MnbRoom *room = member->room;
    MnbPublication *publication = g_new0(MnbPublication, 1);
    publication->member = member;
    publication->source = source;
    publication->media = *media;
    publication->codec = codec;
    publication->layer_count = MAX(media->layers, 1);
    mnb_id_make(publication->key);
    for (guint i = 0; i < publication->layer_count; i++) {
        MnbTrackAdd add = {.track = mnb_media_worker_new_id(room->worker),
                           .transport = member->publish->id};
        publication->layers[i].track = add.track;
        mnb_sdp_fill_track(&add, media, codec, i);
        mnb_media_worker_track_add(room->worker, &add);
        g_hash_table_insert(room->rooms->publications, GUINT_TO_POINTER(add.track), publication);
    }
    publication->id = publication->layers[0].track;
    member->publications[source] = publication;
    mnb_room_spread_publication(publication);
    mnb_room_set_aside(member);
}

/* Same m-line, codec, sources: the browser negotiates again for another reason (a screen is added,
 * ICE restarts) and this one just goes on. */
static gboolean is_same_media(const MnbPublication *publication, const MnbSdpMedia *media,
                              MnbCodec codec)
{
    const MnbSdpMedia *old = &publication->media;
    return publication->codec == codec && strcmp(old->mid, media->mid) == 0 &&
           old->codecs[codec].pt == media->codecs[codec].pt && old->ssrc == media->ssrc &&
           old->layers == media->layers && memcmp(old->rids, media->rids, sizeof old->rids) == 0;
}

static void put_publications(MnbMember *member, const MnbSdp *sdp, const int plan[MNB_N_SOURCES],
                             const MnbCodec *taken)
{
    for (guint s = 0; s < MNB_N_SOURCES; s++) {
        MnbPublication *old = member->publications[s];
        const MnbSdpMedia *media =
            plan[s] >= 0 && taken[plan[s]] != MNB_CODEC_NONE ? &sdp->media[plan[s]] : NULL;
        if (old != NULL && media != NULL && is_same_media(old, media, taken[plan[s]]))
            continue;
        if (old != NULL)
            remove_publication(old);
        if (media != NULL)
            add_publication(member, (MnbSource)s, media, taken[plan[s]]);
    }
}

static void append_track(MnbMember *member, MnbSource source, gboolean is_on, MnbAppended done,
                         gpointer data)
{
    const MnbPublication *publication = member->publications[source];
    json_t *body = json_pack("{s:s}", "source", mnb_source_to_string(source));
    if (is_on)
        json_object_set_new(body, "track", json_string(publication->key));
    MnbAppend append = {
        .type = is_on ? "track-on" : "track-off", .peer = member->peer, .body = body};
    mnb_room_append(member->room, &append, done, data);
}

/* The log says what is on; @done comes with the last entry. */
static void append_tracks(MnbMember *member, const MnbPublishTrack *tracks, guint count,
                          MnbAppended done, gpointer data)
{
    const MnbPeer *peer = mnb_room_peer(member->room, member->peer);
    gboolean is_on[MNB_N_SOURCES];
    int last = -1;
    for (guint s = 0; s < MNB_N_SOURCES; s++) {
        is_on[s] = member->publications[s] != NULL;
        for (guint t = 0; t < count; t++)
            if (tracks[t].source == (MnbSource)s)
                is_on[s] = is_on[s] && tracks[t].is_on;
        if (is_on[s] || (peer != NULL && peer->tracks[s].is_on))
            last = (int)s;
    }
    if (last < 0) {
        /* Nothing to write: all that is published is switched off. */
        done(member->room, NULL, data);
        return;
    }
    for (int s = 0; s <= last; s++)
        if (is_on[s] || (peer != NULL && peer->tracks[s].is_on))
            append_track(member, (MnbSource)s, is_on[s], s == last ? done : NULL,
                         s == last ? data : NULL);
}

/* A peer connection is known by its certificate: the same one negotiates again, another replaces.
 */
static void prepare_transport(MnbMember *member, MnbMediaWorker *worker, const MnbSdp *sdp)
{
    MnbTransport *old = member->publish;
    if (old != NULL &&
        memcmp(old->remote_fingerprint, sdp->fingerprint, sizeof old->remote_fingerprint) == 0) {
        if (strcmp(old->remote_ufrag, sdp->ufrag) != 0)
            restart_ice(old, sdp->ufrag);
        return;
    }
    if (old != NULL)
        mnb_transport_close(old);
    member->publish = transport_open(member->room, worker, MNB_PUBLISH);
    member->publish->member = member;
    transport_set_remote(member->publish, sdp);
}

gboolean mnb_room_publish(MnbMember *member, const char *offer, gsize len,
                          const MnbPublishTrack *tracks, guint track_count, char **answer_out,
                          MnbAppended done, gpointer data, GError **error)
{
    MnbRoom *room = member->room;
    int plan[MNB_N_SOURCES] = {-1, -1, -1};
    MnbCodec taken[MNB_SDP_MEDIA_MAX];
    MnbSdpLocal local;
    MnbSdpCandidate candidates[MNB_MEDIA_ADDRESSES_MAX];
    g_autoptr(MnbSdp) sdp = mnb_sdp_parse(offer, len, MNB_SDP_OFFER, error);
    if (sdp == NULL)
        return FALSE;
    if (tracks == NULL)
        plan_by_kind(sdp, plan);
    else if (!plan_named(sdp, tracks, track_count, plan, error))
        return FALSE;
    refuse_unplanned(sdp, plan);
    MnbMediaWorker *worker = member->publish != NULL ? ready_worker(room, error)
                                                     : roomy_worker(room, MNB_PUBLISH, error);
    if (worker == NULL)
        return FALSE;
    /* Judged with empty local values first, so that a bad offer does not end what is published. */
    MnbSdpLocal nothing = {.ufrag = "", .pwd = "", .fingerprint = ""};
    g_autofree char *trial = mnb_sdp_answer_publish(sdp, &nothing, taken, error);
    if (trial == NULL)
        return FALSE;
    prepare_transport(member, worker, sdp);
    put_publications(member, sdp, plan, taken);
    fill_local(member->publish, &local, candidates);
    *answer_out = mnb_sdp_answer_publish(sdp, &local, taken, NULL);
    append_tracks(member, tracks, track_count, done, data);
    mnb_room_reassign(room);
    return TRUE;
}

void mnb_room_unpublish(MnbMember *member)
{
    if (member->publish != NULL)
        mnb_transport_close(member->publish);
}

/* ---------------------------------------------------------------------- feeds from the field */

/* What manabi-ingest writes into the ring (docs/pipelines.md); it repairs nothing. */
static const MnbSdpMedia feed_picture = {
    .is_video = TRUE, .mid = "v", .codecs = {[MNB_CODEC_VP8] = {.pt = 96, .has_pli = TRUE}}};
static const MnbSdpMedia feed_sound = {.is_audio = TRUE,
                                       .mid = "a",
                                       .codecs = {[MNB_CODEC_OPUS] = {.pt = 111}},
                                       .sends = {.audio_level = 1}};

gboolean mnb_room_publish_feed(MnbMember *member, int memfd, int eventfd, MnbAppended done,
                               gpointer data, GError **error)
{
    MnbRoom *room = member->room;
    MnbMediaWorker *worker = roomy_worker(room, MNB_PUBLISH, error);
    if (worker == NULL)
        return FALSE;
    mnb_room_unpublish(member);
    MnbTransport *transport = g_new0(MnbTransport, 1);
    transport->room = room;
    transport->worker = worker;
    transport->id = mnb_media_worker_new_id(worker);
    transport->direction = MNB_PUBLISH;
    transport->member = member;
    MnbFeedOpen open = {.transport = transport->id, .room = room->media_room};
    mnb_media_worker_feed_open(worker, &open, memfd, eventfd);
    g_hash_table_insert(room->rooms->transports, GUINT_TO_POINTER(transport->id), transport);
    member->publish = transport;
    add_publication(member, MNB_SOURCE_MICROPHONE, &feed_sound, MNB_CODEC_OPUS);
    add_publication(member, MNB_SOURCE_CAMERA, &feed_picture, MNB_CODEC_VP8);
    append_tracks(member, NULL, 0, done, data);
    mnb_room_reassign(room);
    return TRUE;
}

/* ----------------------------------------------------------------------------------- receiving */

static guint32 random_ssrc(void)
{
    guint32 ssrc;
    do
        mnb_random_fill(&ssrc, sizeof ssrc);
    while (ssrc == 0);
    return ssrc;
}

static void init_slot(MnbReceiver *receiver, gboolean is_video, const char *mid, const char *stream)
{
    MnbSlot *slot = &receiver->slots[receiver->count];
    slot->sdp.is_video = is_video;
    slot->sdp.ssrc = random_ssrc();
    slot->sdp.rtx_ssrc = is_video ? random_ssrc() : 0;
    g_strlcpy(slot->sdp.mid, mid, sizeof slot->sdp.mid);
    g_strlcpy(slot->sdp.stream, stream, sizeof slot->sdp.stream);
    receiver->places[receiver->count].is_video = is_video;
    receiver->count++;
}

static MnbReceiver *receiver_new(MnbRoom *room, MnbMediaWorker *worker)
{
    MnbReceiver *receiver = g_new0(MnbReceiver, 1);
    receiver->transport = transport_open(room, worker, MNB_RECEIVE);
    receiver->transport->receiver = receiver;
    g_ptr_array_add(room->receivers, receiver);
    return receiver;
}

/* The worker learns the slots once the receiver has said what it can play. @media[i]: of slot i. */
static void add_slots(MnbReceiver *receiver, const MnbSdpMedia *const *media)
{
    MnbMediaWorker *worker = receiver->transport->worker;
    for (guint i = 0; i < receiver->count; i++) {
        MnbSlot *slot = &receiver->slots[i];
        MnbSlotAdd add = {.slot = mnb_media_worker_new_id(worker),
                          .transport = receiver->transport->id};
        mnb_sdp_fill_slot(&add, &slot->sdp, media[i]);
        for (guint codec = 1; codec < MNB_CODEC_COUNT; codec++)
            if (add.pt[codec] != 0)
                receiver->places[i].codecs |= 1u << codec;
        if (receiver->places[i].codecs == 0 || media[i]->is_refused)
            continue;
        slot->id = add.slot;
        mnb_media_worker_slot_add(worker, &add);
    }
    receiver->is_answered = TRUE;
    mnb_receiver_send_limit(receiver);
    mnb_room_reassign(receiver->transport->room);
}

char *mnb_room_subscribe(MnbMember *member, guint audio, guint video, GError **error)
{
    MnbRoom *room = member->room;
    MnbSdpLocal local;
    MnbSdpCandidate candidates[MNB_MEDIA_ADDRESSES_MAX];
    MnbSdpSlot slots[MNB_SLOTS_MAX];
    MnbMediaWorker *worker = roomy_worker(room, MNB_RECEIVE, error);
    if (worker == NULL)
        return NULL;
    if (member->receiver != NULL)
        mnb_transport_close(member->receiver->transport);
    MnbReceiver *receiver = receiver_new(room, worker);
    receiver->transport->member = member;
    member->receiver = receiver;
    for (guint i = 0; i < audio + video; i++) {
        char mid[MNB_MID_MAX];
        char stream[16];
        g_snprintf(mid, sizeof mid, "%u", i);
        g_snprintf(stream, sizeof stream, "slot-%u", i);
        init_slot(receiver, i >= audio, mid, stream);
        slots[i] = receiver->slots[i].sdp;
    }
    fill_local(receiver->transport, &local, candidates);
    return mnb_sdp_offer_receive(&local, slots, receiver->count);
}

gboolean mnb_room_subscribed(MnbMember *member, const char *text, gsize len, GError **error)
{
    MnbReceiver *receiver = member->receiver;
    const MnbSdpMedia *media[MNB_SLOTS_MAX];
    if (receiver == NULL || receiver->is_answered)
        return fail(error, MNB_ROOMS_ERROR_BAD_MESSAGE,
                    "there is no offer that waits for an answer");
    g_autoptr(MnbSdp) answer = mnb_sdp_parse(text, len, MNB_SDP_ANSWER, error);
    if (answer == NULL)
        return FALSE;
    if (answer->media_count != receiver->count)
        return fail(error, MNB_ROOMS_ERROR_BAD_SDP,
                    "the answer has not as many m-lines as the offer");
    for (guint i = 0; i < receiver->count; i++) {
        media[i] = &answer->media[i];
        if (strcmp(media[i]->mid, receiver->slots[i].sdp.mid) != 0 && !media[i]->is_refused)
            return fail(error, MNB_ROOMS_ERROR_BAD_SDP, "the answer has other mids than the offer");
    }
    transport_set_remote(receiver->transport, answer);
    add_slots(receiver, media);
    return TRUE;
}

/* The m-lines of a WHEP offer that become slots. */
static guint choose_media(const MnbSdp *sdp, guint *chosen)
{
    guint count = 0;
    guint kinds[2] = {0, 0};
    for (guint i = 0; i < sdp->media_count; i++) {
        const MnbSdpMedia *media = &sdp->media[i];
        guint limit = media->is_video ? MNB_VIDEO_SLOTS_MAX : MNB_AUDIO_SLOTS_MAX;
        if (media->is_refused || media->direction == MNB_SDP_SENDONLY ||
            media->direction == MNB_SDP_INACTIVE || mnb_sdp_choose_codec(media) == MNB_CODEC_NONE ||
            kinds[media->is_video] == limit)
            continue;
        kinds[media->is_video]++;
        chosen[count++] = i;
    }
    return count;
}

char *mnb_room_receive(MnbRoom *room, const char *only_peer, const char *offer, gsize len,
                       MnbTransport **transport, GError **error)
{
    guint chosen[MNB_SLOTS_MAX];
    MnbSdpSlot slots[MNB_SLOTS_MAX];
    const MnbSdpMedia *media[MNB_SLOTS_MAX];
    MnbSdpLocal local;
    MnbSdpCandidate candidates[MNB_MEDIA_ADDRESSES_MAX];
    g_autoptr(MnbSdp) sdp = mnb_sdp_parse(offer, len, MNB_SDP_OFFER, error);
    if (sdp == NULL)
        return NULL;
    guint count = choose_media(sdp, chosen);
    if (count == 0) {
        fail(error, MNB_ROOMS_ERROR_NO_COMMON_CODEC,
             "no m-line is recvonly with Opus, VP8 or H264 (packetization-mode 1)");
        return NULL;
    }
    MnbMediaWorker *worker = roomy_worker(room, MNB_RECEIVE, error);
    if (worker == NULL)
        return NULL;
    MnbReceiver *receiver = receiver_new(room, worker);
    if (only_peer != NULL)
        g_strlcpy(receiver->only_peer, only_peer, sizeof receiver->only_peer);
    for (guint i = 0; i < count; i++) {
        char stream[32];
        media[i] = &sdp->media[chosen[i]];
        /* One peer: sound and picture are played in step. The room: each slot by itself. */
        g_snprintf(stream, sizeof stream, only_peer != NULL ? "peer" : "slot-%u", i);
        init_slot(receiver, media[i]->is_video, media[i]->mid, stream);
        slots[i] = receiver->slots[i].sdp;
    }
    fill_local(receiver->transport, &local, candidates);
    transport_set_remote(receiver->transport, sdp);
    add_slots(receiver, media);
    *transport = receiver->transport;
    return mnb_sdp_answer_receive(sdp, &local, slots, chosen, count);
}
