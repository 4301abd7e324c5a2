/* room-slides.h - what rooms know of the slides under way (slides.h is for HTTP). Inside of
 * server/rooms only. */
#pragma once
#include "server/rooms/room.h"

/* @folder: STATE/slides; NULL: no slides (returns NULL). Returns (owned). */
MnbSlides *mnb_slides_new(MnbRooms *rooms, const char *folder);
void mnb_slides_free(MnbSlides *slides); /* kills what runs; NULL is fine */

/* Returns (borrowed until it is used): a ticket; NULL: too many are out. */
const char *mnb_slides_ticket(MnbSlides *slides, const char *session, const char *peer,
                              const char *name);

/* After a restart: begins again what was being converted. NULL is fine. */
void mnb_slides_resume(MnbSlides *slides, MnbRoom *room);

/* The files of a deck, in the background. NULL is fine. */
void mnb_slides_remove(MnbSlides *slides, const char *session, const char *deck);
