/* speaker.h - who speaks in a room, by the audio levels that the senders put into their packets
 * (RFC 6464). Every 200 ms the loudness of each track is smoothed and ranked. Hysteresis: a speaker
 * keeps his place until another is clearly louder, and for a second after he fell silent.
 *
 * A voice that begins is ranked after 60 ms, not at the end of the round; and whoever gets its slot
 * then gets its beginning too, from the track's ring (slot.c): no first syllable is cut. */
#pragma once
#include "server/media/worker-state.h"

#define MNB_SPEAKER_ROUND_US 200000
#define MNB_VOICE_PACKETS    3      /* of speech one behind the other: a voice, not a cough */
#define MNB_VOICE_PAUSE_US   300000 /* without speech, then the next is a new beginning */
#define MNB_VOICE_EARLY      2      /* packets before the first loud one: a soft consonant */
#define MNB_VOICE_EARLY_US   100000 /* at most: before them silence was left out */
#define MNB_VOICE_BACK_MAX   15     /* packets that are sent after the fact */
#define MNB_VOICE_BACK_US    500000 /* older than that, speech goes on from now */

void mnb_speaker_init(MnbRoom *room);

/* Called for each audio packet that has a level. */
void mnb_speaker_heard(MnbTrack *track, const MnbPacket *packet);

/* The oldest packet with which a slot that begins to show @track now should begin, so that it has
 * the beginning of what is being said; NULL: nothing began lately. */
const MnbPacket *mnb_speaker_beginning(const MnbTrack *track, int64_t now_us);

void mnb_speaker_add_track(MnbTrack *track);
void mnb_speaker_remove_track(MnbTrack *track);
