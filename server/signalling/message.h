/* message.h - what a client sends over the WebSocket, as structs (docs/protocol.md, 4.1 and 4.2).
 *
 * One JSON text message of at most MNB_MESSAGE_MAX bytes. Strict: duplicate keys, unknown keys,
 * wrong types, numbers out of range, texts too long or with control characters are refused, and the
 * detail names the field. Names and texts are counted in characters. Pure functions, any thread. */
#pragma once
#include "server/rooms/request.h"

#define MNB_MESSAGE_MAX   65536 /* bytes */
#define MNB_MESSAGE_DEPTH 16

/* Either of these, after mnb_message_parse(). */
typedef struct {
    MnbHello *hello;     /* kind hello */
    MnbRequest *request; /* any other */
} MnbMessage;

/* @text need not end in NUL. @id_out: the message's id when there is one that can be answered, else
 * -1. Returns FALSE with @error (MNB_ROOMS_ERROR_BAD_MESSAGE, or TOO_MANY for too many slots, peers
 * or tracks). */
gboolean mnb_message_parse(const char *text, gsize len, MnbMessage *message, gint64 *id_out,
                           GError **error);
void mnb_message_clear(MnbMessage *message); /* a zeroed struct is fine */
