/* invitation.h - what an invitation says, in English or Japanese. Pure; any thread. */
#pragma once
#include "recordings/event.h"
#include "server/access/permissions.h"

typedef struct {
    const MnbEvent *event;
    const char *city; /* the host city's name in that language */
    const char *name; /* whom it is for */
    const char *note; /* of who invites; may be empty */
    const char *url;  /* his own link */
    MnbRole role;
    gint64 expires_us; /* of the link; 0: never */
    gboolean is_japanese;
} MnbInvitation;

char *mnb_invitation_subject(const MnbInvitation *invitation); /* owned; one line */
char *mnb_invitation_text(const MnbInvitation *invitation);    /* owned; lines ended by \n */
