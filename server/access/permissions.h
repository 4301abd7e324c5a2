/* permissions.h - who may do what: one table of role x permission, denied by default.
 *
 * The role comes from what the server knows of the asker (a role link, a staff cookie, nothing),
 * never from what the asker says. The table says what a role may do *in its scope*: a link's role
 * holds for the link's event only, staff and admin hold everywhere. Checking the scope is the
 * caller's work (mnb_link_may() does it for links). Any thread. */
#pragma once

#include <glib.h>

typedef enum {
    MNB_ROLE_VISITOR, /* nobody in particular: no link, no cookie */
    MNB_ROLE_OBSERVER,
    MNB_ROLE_PARTICIPANT,
    MNB_ROLE_INTERPRETER,
    MNB_ROLE_PRESENTER,
    MNB_ROLE_FACILITATOR,
    MNB_ROLE_STAFF,
    MNB_ROLE_ADMIN,
    MNB_N_ROLES
} MnbRole;

typedef enum {
    MNB_MAY_ATTEND,            /* be in a room, hear and see */
    MNB_MAY_SPEAK,             /* publish microphone and camera */
    MNB_MAY_SHARE,             /* publish the screen */
    MNB_MAY_CHAT,              /* write in the chat */
    MNB_MAY_RAISE_HAND,        /* raise and lower the own hand */
    MNB_MAY_TAKE_PART,         /* react, ask and vote */
    MNB_MAY_PRESENT,           /* bring slides, turn their pages, point */
    MNB_MAY_INTERPRET,         /* sit in a booth and speak to its channel */
    MNB_MAY_CAPTION,           /* write captions */
    MNB_MAY_MODERATE,          /* roles, lobby, settings, polls, agenda; mute and remove others */
    MNB_MAY_RECORD,            /* start and stop the recording */
    MNB_MAY_HOST,              /* start and end the session */
    MNB_MAY_EDIT_EVENT,        /* change an event */
    MNB_MAY_MANAGE_LINKS,      /* list, make and revoke links of an event */
    MNB_MAY_PLAN_EVENT,        /* make an event */
    MNB_MAY_SEE_STAFF,         /* see what is not public: drafts, jobs, all events */
    MNB_MAY_PUBLISH_RECORDING, /* change, publish and withdraw recordings; retry jobs */
    MNB_MAY_IMPORT,            /* bring in films */
    MNB_MAY_ADMIN,             /* staff accounts and the machine */
    MNB_MAY_MEDIA_PUBLISH,     /* WHIP */
    MNB_MAY_MEDIA_RECEIVE,     /* WHEP */
    MNB_N_PERMISSIONS
} MnbPermission;

/* Returns: FALSE for every role or permission that is not in the table. */
gboolean mnb_role_may(MnbRole role, MnbPermission permission);

/* Names as in docs/protocol.md ("facilitator", "raise-hand"); static; NULL if out of range. */
const char *mnb_role_to_string(MnbRole role);
const char *mnb_permission_to_string(MnbPermission permission);

/* @text: NULL and unknown names give FALSE and leave @role alone. */
gboolean mnb_role_parse(const char *text, MnbRole *role);
gboolean mnb_permission_parse(const char *text, MnbPermission *permission);

/* Roles that a link may carry: observer to facilitator. */
gboolean mnb_role_is_for_links(MnbRole role);
