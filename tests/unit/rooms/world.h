/* world.h - rooms over a real catalogue, and clients whose socket is an array: for tests of what
 * people in a session say to each other. Messages are raw JSON, parsed as signalling parses them.
 * No media. */
#pragma once
#include "server/rooms/room.h"
#include "tests/unit/recordings/fixture.h"

typedef struct {
    Fixture catalogue;
    MnbClock *clock; /* fake */
    MnbRooms *rooms;
    MnbEvent *event; /* languages en, ja */
    MnbWalls *walls;
    char *slides_dir;
    char tokens[MNB_N_ROLES][MNB_TOKEN_SIZE]; /* of links, by role */
} World;

typedef struct {
    MnbClient *client;
    GPtrArray *heard; /* char *, JSON */
    guint close_code; /* 0: open */
    char peer[MNB_ID_SIZE];
    char resume[MNB_TOKEN_SIZE];
} Socket;

void world_open(World *world);
/* The server dies without a word, and starts again. Sockets are to be closed by their owner. */
void world_restart(World *world);
void world_close(World *world);
MnbRoom *world_room(World *world);

/* Joins as @role; @resume NULL: as somebody new. Returns (owned): the answer to hello. */
char *world_join(World *world, Socket *socket, MnbRole role, const char *name, const char *resume);
void socket_close(Socket *socket);

/* Sends raw JSON. Returns FALSE when it was refused as no message, with the reason in *@why. */
gboolean socket_send(Socket *socket, const char *json, GError **why);
/* Sends {"kind":@kind,"id":n,@fields} and waits for the answer. @fields: format of what comes after
 * the id, NULL: nothing. Returns (borrowed): the answer. */
const char *socket_ask(Socket *socket, const char *kind, const char *fields, ...)
    G_GNUC_PRINTF(3, 4);
/* As ask, and the answer must be good (or refused with @code). */
void socket_must(Socket *socket, const char *kind, const char *fields, ...) G_GNUC_PRINTF(3, 4);
void socket_must_not(Socket *socket, const char *code, const char *kind, const char *fields, ...)
    G_GNUC_PRINTF(4, 5);

/* The first message that has @part; NULL: none. wait: until there is one. */
const char *socket_heard(const Socket *socket, const char *part);
const char *socket_wait(Socket *socket, const char *part);
void socket_forget(Socket *socket); /* what was heard */
