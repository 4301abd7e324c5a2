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
} MnbRoomTitles;

/* STATE of a welcome. @sees_detail: why a recording failed is for who may record. */
json_t *mnb_room_json_state(const MnbRoomState *state, const MnbRoomTitles *titles,
                            gboolean sees_detail);

/* The `event` message for an entry that was just applied and changed something; NULL for types that
 * clients do not hear of. @with_detail: as above. */
char *mnb_room_json_event(MnbRoomState *state, const MnbLogEntry *entry, gboolean with_detail);

/* {"kind":"reply","id":n,"ok":true, ...@fields}. @fields: stolen; NULL: none. */
char *mnb_room_json_reply(gint64 id, json_t *fields);
char *mnb_room_json_refusal(gint64 id, const char *code, const char *detail);

/* {"kind":@kind, ...@fields}; @fields: stolen; NULL: none. */
char *mnb_room_json_message(const char *kind, json_t *fields);

/* Names of all permissions that @role has, for "may". */
json_t *mnb_room_json_permissions(MnbRole role);
