/* room-json.h - the JSON that clients get (docs/protocol.md, 4.1 and 4.3), made from the state.
 *
 * Texts are owned by the caller, without a newline. Main thread. */
#pragma once
#include "server/rooms/room-state.h"
#include <jansson.h>

/* What of the event a client shows; borrowed. */
typedef struct {
    const char *event;
    const char *title_en, *title_ja;
    const char *area, *city;
    const char *const *languages; /* NULL-terminated; NULL: none */
} MnbRoomTitles;

/* STATE of a welcome, as @viewer may see it (section 4.5); one who waits in the lobby gets little.
 * What only the process knows (channels, what is heard) is for the caller to add. @resume: the
 * viewer's token, for his votes in anonymous polls; may be NULL. */
json_t *mnb_room_json_state(const MnbRoomState *state, const MnbRoomTitles *titles,
                            const MnbPeer *viewer, const char *resume);

/* The `event` message for an entry that was just applied and changed something; NULL for types that
 * clients do not hear of (or not as an event). @moderates: for who may moderate. A line of the chat
 * is for those of mnb_room_state_may_read() only. */
char *mnb_room_json_event(MnbRoomState *state, const MnbLogEntry *entry, gboolean moderates);

/* Who waits in the lobby, for facilitators. */
json_t *mnb_room_json_lobby(const MnbRoomState *state);
json_t *mnb_room_json_grants(const MnbPeer *peer);

/* {"kind":"reply","id":n,"ok":true, ...@fields}. @fields: stolen; NULL: none. */
char *mnb_room_json_reply(gint64 id, json_t *fields);
char *mnb_room_json_refusal(gint64 id, const char *code, const char *detail);

/* {"kind":@kind, ...@fields}; @fields: stolen; NULL: none. */
char *mnb_room_json_message(const char *kind, json_t *fields);

/* Names of all permissions that @peer has, for "may"; nothing while it waits. */
json_t *mnb_room_json_permissions(const MnbPeer *peer);
