/* speaker.h - who speaks in a room, by the audio levels that the senders put into their packets
 * (RFC 6464). Every 200 ms the loudness of each track is smoothed and ranked. Hysteresis: a speaker
 * keeps his place until another is clearly louder, and for a second after he fell silent. */
#pragma once
#include "server/media/worker-state.h"

#define MNB_SPEAKER_ROUND_US 200000

void mnb_speaker_init(MnbRoom *room);

/* @level: the byte of RFC 6464. Called for each audio packet that has one. */
void mnb_speaker_heard(MnbTrack *track, uint8_t level);

void mnb_speaker_add_track(MnbTrack *track);
void mnb_speaker_remove_track(MnbTrack *track);
