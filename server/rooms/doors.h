/* doors.h - the HTTP doors into a room: WHIP (RFC 9725) in, WHEP (draft-ietf-wish-whep-03) out.
 *
 * A WHIP resource is a peer of kind encoder: it stands in the roster under the label of its link
 * and its tracks are slots, recordings and names like anybody's. A WHEP resource is a silent
 * receiver: no peer, not in the roster. Resources end with DELETE, with their link or session, or
 * 35 s after the last packet. They do not survive a restart of the server or of the media worker
 * (the client posts again, as both documents say).
 *
 * Main thread. Each call is answered exactly once through its done function, possibly before the
 * call returns, at the latest when the catalogue is closed; strings in an answer are borrowed for
 * that call.
 */
#pragma once
#include "server/rooms/rooms.h"

/* Who asks: http has checked the bearer token (link row: not expired, not revoked, of this
 * session's event). Strings are copied. */
typedef struct {
    const char *session; /* id from the path */
    const char *link;    /* id of the link row */
    const char *role;    /* its role */
    const char *label;   /* its label; "": a name is made */
} MnbDoorAsker;

typedef struct {
    const char *resource; /* id for Location */
    const char *sdp;      /* POST: the answer (application/sdp). PATCH: an SDP fragment of an ICE
                             restart (application/trickle-ice-sdpfrag), or NULL: answer 204 */
    const char *etag;     /* of the ICE session, without quotes; POST and ICE restart, else NULL */
} MnbDoorAnswer;

/* @answer: NULL when @error is set (borrowed; domain MNB_ROOMS_ERROR). */
typedef void (*MnbDoorDone)(const MnbDoorAnswer *answer, const GError *error, gpointer data);

/* POST /whip/{session}. @offer need not end in NUL; above 64 KiB: bad-sdp. Needs a live session. */
void mnb_rooms_whip(MnbRooms *self, const MnbDoorAsker *asker, const char *offer, gsize len,
                    MnbDoorDone done, gpointer data);

/* POST /whep/{session} (@peer NULL: the room's slots) and /whep/{session}/{peer} (that peer's
 * tracks). */
void mnb_rooms_whep(MnbRooms *self, const MnbDoorAsker *asker, const char *peer, const char *offer,
                    gsize len, MnbDoorDone done, gpointer data);

/* PATCH of a resource, by the link that made it. @fragment: application/trickle-ice-sdpfrag.
 * Candidates are accepted and not needed (we are ICE-lite): sdp NULL. New ice-ufrag and ice-pwd:
 * ICE restart. @if_match: the ETag the client names, without quotes; NULL or "*": any. */
void mnb_rooms_resource_patch(MnbRooms *self, const MnbDoorAsker *asker, const char *resource,
                              const char *if_match, const char *fragment, gsize len,
                              MnbDoorDone done, gpointer data);

/* DELETE of a resource, by the link that made it. */
void mnb_rooms_resource_delete(MnbRooms *self, const MnbDoorAsker *asker, const char *resource,
                               MnbDoorDone done, gpointer data);
