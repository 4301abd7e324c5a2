/* slides.h - PDF files that become page images for a session.
 *
 *     upload-slides --> ticket --POST + ticket--> deck.pdf --> pdfinfo --> pdftocairo x 2 --> pages
 *                                          log: deck-added                     deck-ready, -failed
 *
 * The file is a stranger's: only programs behind the walls (pipelines/manager/walls.h) open it,
 * with limits of memory and time and a lower priority than the session has. What is to be shown
 * lies in STATE/slides/SESSION/DECK/{1-large.jpg,1-small.jpg,...}, and appears whole, by one
 * rename. A conversion that was cut by a restart begins again. Main thread; files are written in
 * a thread of their own.
 */
#pragma once
#include "server/base/ids.h"
#include "server/rooms/rooms.h"

#define MNB_SLIDES_BYTES_MAX (32 * 1024 * 1024)
#define MNB_SLIDES_RUNNING   2 /* conversions at once */

/* Leave to bring one file. */
typedef struct MnbSlidesTicket MnbSlidesTicket;
void mnb_slides_ticket_free(MnbSlidesTicket *ticket); /* NULL is fine */

/* What became of an upload: @deck (borrowed) is being converted, or @error says why not. */
typedef void (*MnbSlidesAdded)(const char *deck, const GError *error, gpointer data);

/* Takes the ticket that somebody in the session was given: it is good once.
 * Returns (owned): NULL with @error: NOT_ALLOWED (unknown, used or old, or he may no longer),
 * NOT_FOUND, TOO_MANY (two are being converted), STORAGE_FULL. */
MnbSlidesTicket *mnb_rooms_slides_take(MnbRooms *rooms, const char *session, const char *ticket,
                                       GError **error);

/* @ticket: stolen. @pdf: held. @done: once, later. Errors: BAD_MESSAGE: it is no PDF. */
void mnb_rooms_slides_add(MnbRooms *rooms, MnbSlidesTicket *ticket, GBytes *pdf,
                          MnbSlidesAdded done, gpointer data);
