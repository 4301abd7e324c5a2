/* room-tell.h - what is told together instead of one by one.
 *
 * Three hundred people who vote within a second would be three hundred messages to three hundred
 * people. Reactions are gathered for a quarter of a second; votes, channels and the lobby are told
 * at most twice a second, always as they are then. Main thread. */
#pragma once
#include "server/rooms/room.h"

typedef struct MnbRoomTell MnbRoomTell;

MnbRoomTell *mnb_room_tell_new(MnbRoom *room); /* owned */
void mnb_room_tell_free(MnbRoomTell *tell);    /* NULL is fine; what was not told is not */

/* @name: one of docs/protocol.md. */
void mnb_tell_reaction(MnbRoom *room, const char *peer, const char *name);
void mnb_tell_question(MnbRoom *room, gint64 question);
void mnb_tell_poll(MnbRoom *room, gint64 poll);
void mnb_tell_channels(MnbRoom *room);
void mnb_tell_lobby(MnbRoom *room);
