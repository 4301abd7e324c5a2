#include "server/media/speaker.h"

#include "server/media/seq.h"
#include "server/media/track.h"
#include <string.h>

#define LOUD_MAX        127
#define SPEECH_LOUDNESS 77.0f /* -50 dBov: speech is above, a quiet room below */
#define KEEP_US         MNB_SECOND_US
#define QUIET_ROUNDS    10 /* without a packet, then the timer rests */

/* What a speaker has in advance over a challenger, in dB, by place. */
static const float advantage[MNB_SPEAKERS] = {8.0f, 6.0f, 4.0f};

static void on_round(void *owner, int64_t now_us);

void mnb_speaker_init(MnbRoom *room)
{
    room->speaker_timer.on_due = on_round;
    room->speaker_timer.owner = room;
}

/* Returns true with the packet that makes a voice of what began. */
static bool note_voice(MnbTrack *track, const MnbPacket *packet, uint32_t loudness)
{
    if ((float)loudness < SPEECH_LOUDNESS) {
        if (track->voice_count < MNB_VOICE_PACKETS)
            track->voice_count = 0;
        return false;
    }
    if (track->voice_count == 0 || packet->arrival_us - track->voiced_us > MNB_VOICE_PAUSE_US) {
        track->voice_us = packet->arrival_us;
        track->voice_seq = packet->seq;
        track->voice_sum = track->voice_count = 0;
    }
    track->voiced_us = packet->arrival_us;
    if (track->voice_count >= MNB_VOICE_PACKETS)
        return false;
    track->voice_sum += loudness;
    return ++track->voice_count == MNB_VOICE_PACKETS;
}

const MnbPacket *mnb_speaker_beginning(const MnbTrack *track, int64_t now_us)
{
    if (track->voice_us == 0 || now_us - track->voice_us > MNB_VOICE_BACK_US)
        return NULL;
    int32_t back = mnb_seq_diff(track->head, track->voice_seq) + MNB_VOICE_EARLY;
    if (back < 0 || back > UINT8_MAX)
        return NULL; /* the stream began anew */
    if (back >= MNB_VOICE_BACK_MAX)
        back = MNB_VOICE_BACK_MAX - 1;
    for (; back >= 0; back--) {
        const MnbPacket *packet = mnb_track_packet(track, (uint16_t)(track->head - back));
        /* A silence that was left out is in front of it. */
        if (packet != NULL && now_us - packet->arrival_us <= MNB_VOICE_BACK_US &&
            track->voice_us - packet->arrival_us <= MNB_VOICE_EARLY_US)
            return packet;
    }
    return NULL;
}

static void begin_voice(MnbTrack *track, int64_t now_us);

void mnb_speaker_heard(MnbTrack *track, const MnbPacket *packet)
{
    MnbRoom *room = track->transport->room;
    uint32_t loudness = LOUD_MAX - (uint32_t)(packet->level & 0x7f);
    track->level_sum += loudness;
    track->level_count++;
    room->quiet_rounds = 0;
    if (note_voice(track, packet, loudness))
        begin_voice(track, packet->arrival_us);
    if (!mnb_timer_is_armed(&room->speaker_timer))
        mnb_wheel_arm(&room->worker->wheel, &room->speaker_timer,
                      room->worker->now_us + MNB_SPEAKER_ROUND_US);
}

void mnb_speaker_add_track(MnbTrack *track)
{
    track->next_in_room = track->transport->room->audio_tracks;
    track->transport->room->audio_tracks = track;
}

static void tell(MnbRoom *room)
{
    MnbSpeaker body = {.room = room->id};
    memcpy(body.tracks, room->speakers, sizeof body.tracks);
    mnb_worker_tell(room->worker, MNB_MEDIA_SPEAKER, &body);
}

void mnb_speaker_remove_track(MnbTrack *track)
{
    MnbRoom *room = track->transport->room;
    MnbTrack **link = &room->audio_tracks;
    while (*link != NULL && *link != track)
        link = &(*link)->next_in_room;
    if (*link == track)
        *link = track->next_in_room;
    for (unsigned i = 0; i < MNB_SPEAKERS; i++) {
        if (room->speakers[i] != track->config.track)
            continue;
        for (unsigned j = i; j + 1 < MNB_SPEAKERS; j++)
            room->speakers[j] = room->speakers[j + 1];
        room->speakers[MNB_SPEAKERS - 1] = 0;
        tell(room);
        return;
    }
}

static void smooth(MnbTrack *track, int64_t now_us)
{
    float heard =
        track->level_count == 0 ? 0.0f : (float)track->level_sum / (float)track->level_count;
    track->level_sum = 0;
    track->level_count = 0;
    /* Up at once, down slowly: a pause between two words is not the end of a speech. */
    track->loudness = heard > track->loudness ? (track->loudness + 3.0f * heard) / 4.0f
                                              : (3.0f * track->loudness + heard) / 4.0f;
    if (heard >= SPEECH_LOUDNESS)
        track->spoke_us = now_us;
}

static void rank(MnbRoom *room, int64_t now_us)
{
    uint32_t best[MNB_SPEAKERS] = {0};
    float score[MNB_SPEAKERS] = {0};
    for (MnbTrack *track = room->audio_tracks; track != NULL; track = track->next_in_room) {
        if (track->is_aside || track->spoke_us == 0 || now_us - track->spoke_us > KEEP_US)
            continue;
        float mine = track->loudness;
        for (unsigned i = 0; i < MNB_SPEAKERS; i++)
            if (room->speakers[i] == track->config.track)
                mine += advantage[i];
        uint32_t id = track->config.track;
        for (unsigned i = 0; i < MNB_SPEAKERS; i++) {
            if (best[i] != 0 && score[i] >= mine)
                continue;
            uint32_t other_id = best[i];
            float other = score[i];
            best[i] = id;
            score[i] = mine;
            id = other_id;
            mine = other;
            if (id == 0)
                break;
        }
    }
    if (memcmp(best, room->speakers, sizeof best) != 0) {
        memcpy(room->speakers, best, sizeof best);
        tell(room);
    }
}

/* The silence before does not count, and nobody else is judged before the round is over. */
static void begin_voice(MnbTrack *track, int64_t now_us)
{
    MnbRoom *room = track->transport->room;
    track->level_sum = track->voice_sum;
    track->level_count = track->voice_count;
    smooth(track, now_us);
    for (unsigned i = 0; i < MNB_SPEAKERS; i++)
        if (room->speakers[i] == track->config.track)
            return; /* her place is decided by the rounds */
    rank(room, now_us);
}

static void on_round(void *owner, int64_t now_us)
{
    MnbRoom *room = owner;
    for (MnbTrack *track = room->audio_tracks; track != NULL; track = track->next_in_room)
        smooth(track, now_us);
    rank(room, now_us);
    if (++room->quiet_rounds < QUIET_ROUNDS)
        mnb_wheel_arm(&room->worker->wheel, &room->speaker_timer, now_us + MNB_SPEAKER_ROUND_US);
}
