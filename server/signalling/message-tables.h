/* message-tables.h - the fields of each request from MNB_REQUEST_SET_ROLE on
 * (docs/protocol.md, 4.2.1 to 4.2.4), for mnb_message_fields(). */
#pragma once
#include "server/rooms/request.h"
#include "server/signalling/message-fields.h"

/* Returns (static): never NULL for a kind from MNB_REQUEST_SET_ROLE on. */
const MnbFieldSpec *mnb_message_table(MnbRequestKind kind);
