/* hand-over.h - who of a booth is asked to take over, as the log says it. Pure.
 *
 *     ask (by who is on air) --> accept (by a partner) --> an on-air entry 3 s later, by the server
 *          '------------------------'--> cancel
 *
 * Whatever makes it impossible ends it: standing up, leaving, somebody else on air. */
#pragma once
#include "server/rooms/room-state.h"

typedef struct {
    char channel[MNB_LANGUAGE_TAG_SIZE];
    char from[MNB_ID_SIZE];
    char to[MNB_ID_SIZE]; /* "": nobody has accepted yet */
    gint64 counting_us;   /* wall clock, when it was accepted */
} MnbHandOver;

/* An entry `hand-over` of @peer. TRUE: something changed. */
gboolean mnb_hand_over_apply(MnbRoomState *state, const MnbPeer *peer, const char *channel,
                             const char *step, gint64 at_us);
/* Ends those that have become impossible. */
void mnb_hand_over_prune(MnbRoomState *state);
/* Returns (borrowed): NULL: none in that channel. */
const MnbHandOver *mnb_hand_over_find(const MnbRoomState *state, const char *channel);
void mnb_hand_over_dump(const MnbRoomState *state, GString *out);
