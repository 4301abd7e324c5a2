/* client.h - one signalling connection, as a room sees it.
 *
 * The connection (server/signalling) makes one when a socket opens and hands parsed messages to it;
 * the room answers and tells through the calls. A socket that closes frees its client: the peer is
 * then away, and may come back with its resume token. Main thread. */
#pragma once
#include "server/rooms/request.h"
#include "server/rooms/rooms.h"

typedef struct MnbClient MnbClient;

/* Close codes of docs/protocol.md. */
typedef enum {
    MNB_CLOSE_NORMAL = 1000,
    MNB_CLOSE_RESTART = 1012,
    MNB_CLOSE_BROKEN_MESSAGE = 4400,
    MNB_CLOSE_HELLO_REFUSED = 4401,
    MNB_CLOSE_REMOVED = 4403,
    MNB_CLOSE_NO_SESSION = 4404,
    MNB_CLOSE_NO_HELLO = 4408,
    MNB_CLOSE_REPLACED = 4409,
    MNB_CLOSE_SESSION_OVER = 4410,
    MNB_CLOSE_TOO_FAST = 4429,
} MnbCloseCode;

typedef struct {
    /* One JSON text message; borrowed for the call. Order is kept. */
    void (*send)(gpointer line, const char *json, gsize len);
    /* After what was sent. @reason: short, ASCII, an error code or "". No call comes after. */
    void (*close)(gpointer line, MnbCloseCode code, const char *reason);
    /* The hello asks for a new place in the roster, which it keeps for good. FALSE: too many came
     * from there. NULL: anybody may. */
    gboolean (*may_take_place)(gpointer line);
} MnbClientCalls;

/* @calls: borrowed, static. @line: what the calls get. Returns (owned). */
MnbClient *mnb_client_new(MnbRooms *rooms, const MnbClientCalls *calls, gpointer line);

/* The socket is gone (or going): no call comes any more. NULL is fine. */
void mnb_client_free(MnbClient *client);

/* The first message. The reply comes when the joining is on disk. */
void mnb_client_hello(MnbClient *client, const MnbHello *hello);

/* Any later message. Before the answer to hello: refused as broken. */
void mnb_client_request(MnbClient *client, const MnbRequest *request);

/* hello was accepted. */
gboolean mnb_client_is_in(const MnbClient *client);

/* The peer of this line has the permission now. */
gboolean mnb_client_may(const MnbClient *client, MnbPermission permission);

/* A reply that says no: for messages that signalling refuses by itself. */
void mnb_client_refuse(MnbClient *client, gint64 id, const char *code, const char *detail);
