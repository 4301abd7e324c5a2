/* asked.h - one request under way, for the handlers of requests*.c.
 *
 * Each handler answers exactly once: at once, or through what it owes when an entry is on disk. */
#pragma once
#include "server/rooms/room.h"

typedef struct {
    MnbClient *client;
    MnbMember *member;
    MnbRoom *room;
    const MnbPeer *peer; /* who asks */
    const MnbRequest *request;
} MnbAsked;

typedef void (*MnbRequestHandler)(const MnbAsked *asked);

MnbOwed *mnb_asked_owe(const MnbAsked *asked);
void mnb_asked_refuse(const MnbAsked *asked, MnbRoomsError code, const char *detail);
void mnb_asked_accept(const MnbAsked *asked);
/* Appends an entry of the asker's, and answers when it is on disk. @body: stolen. */
void mnb_asked_append(const MnbAsked *asked, const char *type, json_t *body);

/* Somebody in the roster. Returns (borrowed): NULL after it has refused. */
const MnbPeer *mnb_asked_other(const MnbAsked *asked, const char *peer);

/* Fields of request->args; "", 0, FALSE where there is none. */
const char *mnb_asked_text(const MnbAsked *asked, const char *name);
gint64 mnb_asked_number(const MnbAsked *asked, const char *name);
gboolean mnb_asked_flag(const MnbAsked *asked, const char *name);

gboolean mnb_asked_moderates(const MnbAsked *asked);

/* The handlers of other files, NULL where the kind is not theirs. */
MnbRequestHandler mnb_requests_moderate(MnbRequestKind kind);
MnbRequestHandler mnb_requests_talk(MnbRequestKind kind);
MnbRequestHandler mnb_requests_interpret(MnbRequestKind kind);
MnbRequestHandler mnb_requests_slides(MnbRequestKind kind);
