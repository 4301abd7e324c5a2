/* Who is shown in which slot of each receiver, and in which size. */
#include "server/rooms/room.h"
#include <string.h>

#define PICTURES_IN_FULL 4 /* up to so many pictures a receiver gets the largest layer */

MnbPublication *mnb_rooms_find_publication(MnbRooms *rooms, guint32 track)
{
    return track != 0 ? g_hash_table_lookup(rooms->publications, GUINT_TO_POINTER(track)) : NULL;
}

static guint wanted_place(const MnbMember *member, const char *peer)
{
    for (guint i = 0; member != NULL && i < member->wanted_count; i++)
        if (strcmp(member->wanted[i], peer) == 0)
            return i;
    return MNB_NOT_WANTED;
}

/* What anybody in the room could see or hear; the same for every receiver. */
typedef struct {
    const MnbMember *member;
    const char *booth;    /* where its owner interprets; "": on the floor */
    gboolean is_on_air;   /* the one of that booth */
    guint spotlight;      /* place, MNB_NOT_WANTED */
    MnbSlotSource source; /* without `wanted` */
} Candidate;

static GArray *collect_candidates(MnbRoom *room)
{
    GArray *candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
    for (guint p = 0; p < room->state->peers->len; p++) {
        const MnbPeer *peer = g_ptr_array_index(room->state->peers, p);
        const MnbMember *member = peer->is_in ? mnb_room_member(room, peer->id) : NULL;
        for (guint s = 0; member != NULL && s < MNB_N_SOURCES; s++) {
            const MnbPublication *publication = member->publications[s];
            const MnbPublication *voice = member->publications[MNB_SOURCE_MICROPHONE];
            /* An interpreter who pauses, or coughs, keeps the channel: nobody is thrown back to
             * the floor in the middle of a sentence. */
            gboolean is_channel = s == MNB_SOURCE_MICROPHONE && peer->is_on_air;
            if (publication == NULL || (!mnb_publication_is_on(publication) && !is_channel))
                continue;
            guint spotlight = MNB_NOT_WANTED;
            mnb_classroom_is_in_spotlight(&room->state->room, peer->id, &spotlight);
            /* Who speaks is known by his sound; his picture counts as speaking too. */
            Candidate candidate = {
                .member = member,
                .booth = peer->booth,
                .is_on_air = peer->is_on_air,
                .spotlight = spotlight,
                .source = {.id = publication->id,
                           .source = publication->source,
                           .codec = publication->codec,
                           .wanted = MNB_NOT_WANTED,
                           .speaks = voice != NULL ? voice->speaks : 0,
                           .spoke_us = voice != NULL ? voice->spoke_us : 0,
                           .order = p},
            };
            g_array_append_val(candidates, candidate);
        }
    }
    return candidates;
}

/* Who interprets for the viewer now. Returns (borrowed): NULL: he hears the floor. */
static const Candidate *find_interpreter(const MnbMember *viewer, const GArray *candidates)
{
    const MnbPeer *ears = viewer != NULL ? mnb_room_peer(viewer->room, viewer->peer) : NULL;
    for (guint i = 0; ears != NULL && ears->hear[0] != '\0' && i < candidates->len; i++) {
        const Candidate *candidate = &g_array_index(candidates, Candidate, i);
        if (candidate->is_on_air && candidate->source.source == MNB_SOURCE_MICROPHONE &&
            candidate->member != viewer && strcmp(candidate->booth, ears->hear) == 0)
            return candidate;
    }
    return NULL;
}

/* Who sits in a booth is heard in its channel only; the floor beside it when it is wanted. */
static gboolean is_heard(const Candidate *candidate, const Candidate *interpreter,
                         gboolean is_floor_off)
{
    if (candidate == interpreter)
        return TRUE;
    return candidate->booth[0] == '\0' && (interpreter == NULL || !is_floor_off);
}

/* The spotlight goes before what the viewer chose himself. */
static guint picture_place(const Candidate *candidate, const MnbMember *viewer)
{
    guint own = wanted_place(viewer, candidate->member->peer);
    if (candidate->spotlight != MNB_NOT_WANTED)
        return candidate->spotlight;
    return own != MNB_NOT_WANTED ? own + MNB_SPOTLIGHT_MAX : MNB_NOT_WANTED;
}

static guint choose_sources(const MnbReceiver *receiver, const GArray *candidates,
                            MnbSlotSource *sources)
{
    const MnbMember *viewer = receiver->transport->member;
    const Candidate *interpreter = find_interpreter(viewer, candidates);
    gboolean is_floor_off =
        interpreter != NULL && mnb_room_peer(viewer->room, viewer->peer)->is_floor_off;
    guint count = 0;
    for (guint i = 0; i < candidates->len; i++) {
        const Candidate *candidate = &g_array_index(candidates, Candidate, i);
        const char *peer = candidate->member->peer;
        gboolean is_sound = candidate->source.source == MNB_SOURCE_MICROPHONE;
        gboolean is_only = receiver->only_peer[0] != '\0';
        if (candidate->member == viewer || (is_only && strcmp(receiver->only_peer, peer) != 0))
            continue;
        if (is_sound && !is_only && !is_heard(candidate, interpreter, is_floor_off))
            continue;
        sources[count] = candidate->source;
        if (!is_sound)
            sources[count].wanted = picture_place(candidate, viewer);
        else if (candidate == interpreter)
            sources[count].wanted = 0; /* before everybody who speaks on the floor */
        count++;
    }
    return count;
}

/* The place of the largest layer that this receiver has use for: a small tile shows no more than
 * the smallest one has, and nobody sees many pictures in full. */
static int useful_layer(const MnbReceiver *receiver, const MnbPublication *publication,
                        guint pictures)
{
    const MnbMember *viewer = receiver->transport->member;
    int top = (int)publication->layer_count - 1;
    guint wanted = wanted_place(viewer, publication->member->peer);
    if (wanted != MNB_NOT_WANTED && viewer->has_large)
        return wanted < viewer->large ? top : 0;
    return pictures <= PICTURES_IN_FULL ? top : top - 1;
}

/* The largest layer that flows and fits; when none of those flows the smallest above. */
static guint32 choose_layer(const MnbReceiver *receiver, const MnbPublication *publication,
                            guint pictures)
{
    if (publication->layer_count == 1)
        return publication->layers[0].track;
    int top = useful_layer(receiver, publication, pictures);
    for (int i = top; i >= 0; i--)
        if (publication->layers[i].is_flowing)
            return publication->layers[i].track;
    for (guint i = (guint)top + 1; i < publication->layer_count; i++)
        if (publication->layers[i].is_flowing)
            return publication->layers[i].track;
    return publication->layers[0].track;
}

static gboolean is_in_booth(MnbRoom *room, const MnbPublication *publication)
{
    const MnbPeer *peer = publication != NULL && publication->source == MNB_SOURCE_MICROPHONE
                              ? mnb_room_peer(room, publication->member->peer)
                              : NULL;
    return peer != NULL && peer->booth[0] != '\0';
}

/* Sounds: the interpreter and who speaks, then the others. Pictures: screens, then those that were
 * asked for (the first one is the one face), then who speaks, then the rest. */
static guint rank_of(const MnbReceiver *receiver, const MnbSlot *slot,
                     const MnbPublication *publication, gboolean is_channel)
{
    if (publication == NULL)
        return 0;
    if (publication->source == MNB_SOURCE_MICROPHONE)
        return is_channel || publication->speaks == 1 ? 0 : publication->speaks != 0 ? 1 : 2;
    if (publication->source == MNB_SOURCE_SCREEN)
        return 0;
    const MnbMember *member = publication->member;
    guint wanted = wanted_place(receiver->transport->member, member->peer);
    if (wanted != MNB_NOT_WANTED)
        return 1 + MIN(wanted, 30u);
    const MnbPublication *voice = member->publications[MNB_SOURCE_MICROPHONE];
    return voice != NULL && voice->speaks != 0 ? 40 : 41 + (guint)(slot - receiver->slots);
}

static void bind_slots(MnbReceiver *receiver, gboolean *is_told)
{
    MnbRoom *room = receiver->transport->room;
    guint pictures = 0;
    for (guint i = 0; i < receiver->count; i++)
        pictures += receiver->places[i].is_video && receiver->places[i].shown != 0;
    for (guint i = 0; i < receiver->count; i++) {
        MnbSlot *slot = &receiver->slots[i];
        const MnbPublication *publication =
            mnb_rooms_find_publication(room->rooms, receiver->places[i].shown);
        guint32 track = publication != NULL ? choose_layer(receiver, publication, pictures) : 0;
        const char *peer = publication != NULL ? publication->member->peer : "";
        gboolean is_channel = is_in_booth(room, publication);
        if (slot->id == 0)
            continue;
        guint rank = rank_of(receiver, slot, publication, is_channel);
        if (track != slot->track || rank != slot->rank) {
            slot->track = track;
            slot->rank = rank;
            mnb_media_worker_slot_bind(receiver->transport->worker, slot->id, track, rank);
        }
        if (strcmp(peer, slot->peer) != 0 || is_channel != slot->is_channel ||
            (publication != NULL && publication->source != slot->source)) {
            slot->is_channel = is_channel;
            g_strlcpy(slot->peer, peer, sizeof slot->peer);
            slot->source = publication != NULL ? publication->source : 0;
            slot->state = MNB_SLOT_IN_FULL;
            *is_told = FALSE;
        }
    }
}

/* Who takes over speaks in the slot of the one before: to the listener it is one sound that goes
 * on, while another slot would have to fill its jitter buffer first. */
static void inherit_slot(MnbReceiver *receiver, const GArray *candidates)
{
    const Candidate *interpreter = find_interpreter(receiver->transport->member, candidates);
    gint heir = -1;
    for (guint i = 0; interpreter != NULL && i < receiver->count; i++) {
        const MnbSlotPlace *place = &receiver->places[i];
        if (place->shown == interpreter->source.id)
            return;
        if (!place->is_video && receiver->slots[i].is_channel &&
            (place->codecs & 1u << interpreter->source.codec) != 0)
            heir = (gint)i;
    }
    if (heir >= 0)
        receiver->places[heir].shown = interpreter->source.id;
}

static gboolean on_reassign(gpointer data)
{
    MnbRoom *room = data;
    room->reassign = 0;
    g_autoptr(GArray) candidates = collect_candidates(room);
    g_autofree MnbSlotSource *sources = g_new(MnbSlotSource, candidates->len + 1);
    for (guint i = 0; i < room->receivers->len; i++) {
        MnbReceiver *receiver = g_ptr_array_index(room->receivers, i);
        const MnbMember *viewer = receiver->transport->member;
        gboolean is_told = TRUE;
        if (!receiver->is_answered)
            continue;
        inherit_slot(receiver, candidates);
        guint count = choose_sources(receiver, candidates, sources);
        mnb_slots_assign(receiver->places, receiver->count, sources, count,
                         viewer != NULL ? viewer->view : MNB_VIEW_ALL);
        bind_slots(receiver, &is_told);
        if (!is_told)
            mnb_receiver_tell(receiver);
    }
    return G_SOURCE_REMOVE;
}

void mnb_room_reassign(MnbRoom *room)
{
    if (room->reassign == 0 && room->rooms != NULL && room->receivers->len > 0)
        room->reassign = g_idle_add_full(G_PRIORITY_DEFAULT, on_reassign, room, NULL);
}

void mnb_receiver_on_slot_state(MnbReceiver *receiver, const MnbSlotState *state)
{
    for (guint i = 0; i < receiver->count; i++) {
        MnbSlot *slot = &receiver->slots[i];
        if (slot->id != state->slot || slot->state == (MnbSlotStateKind)state->state)
            continue;
        slot->state = (MnbSlotStateKind)state->state;
        if (receiver->slots[i].sdp.is_video)
            mnb_receiver_tell(receiver);
    }
}

void mnb_receiver_send_limit(const MnbReceiver *receiver)
{
    const MnbTransport *transport = receiver->transport;
    if (transport->member != NULL)
        mnb_media_worker_transport_limit(transport->worker, transport->id,
                                         transport->member->limit_bps);
}

static const char *const held_names[] = {
    [MNB_SLOT_REDUCED] = "small",
    [MNB_SLOT_PAUSED] = "line",
    [MNB_SLOT_PAUSED_LIMIT] = "limit",
};

void mnb_receiver_tell(MnbReceiver *receiver)
{
    const MnbMember *member = receiver->transport->member;
    if (member == NULL || member->client == NULL)
        return;
    json_t *slots = json_array();
    for (guint i = 0; i < receiver->count; i++) {
        const MnbSlot *slot = &receiver->slots[i];
        json_t *item = slot->peer[0] != '\0'
                           ? json_pack("{s:s, s:s, s:s}", "mid", slot->sdp.mid, "peer", slot->peer,
                                       "source", mnb_source_to_string(slot->source))
                           : json_pack("{s:s, s:n}", "mid", slot->sdp.mid, "peer");
        if (slot->is_channel && slot->peer[0] != '\0')
            json_object_set_new(item, "channel",
                                json_string(mnb_room_peer(member->room, member->peer)->hear));
        if (slot->state != MNB_SLOT_IN_FULL && slot->peer[0] != '\0')
            json_object_set_new(item, "held", json_string(held_names[slot->state]));
        json_array_append_new(slots, item);
    }
    g_autofree char *text = mnb_room_json_message("slots", json_pack("{s:o}", "slots", slots));
    mnb_client_tell(member->client, text);
}
