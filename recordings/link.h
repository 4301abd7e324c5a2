/* link.h - role links: who holds the token comes in with the role. The table `link`. */
#pragma once

#include <glib.h>

#include "recordings/db.h"
#include "server/access/permissions.h"
#include "server/access/tokens.h"

typedef enum {
    MNB_LINK_ROLE,  /* for people: /join#TOKEN */
    MNB_LINK_MEDIA, /* for encoders: a bearer token for WHIP and WHEP and nothing else */
} MnbLinkKind;

#define MNB_LINK_LABEL_MAX 200 /* characters */

typedef struct {
    char *id;
    MnbLinkKind kind;
    char *event;
    char *session; /* media links: for this session only; else NULL */
    MnbRole role;  /* media links: presenter may publish and receive, observer may receive */
    char *label;
    gint64 created_us;
    gint64 expires_us; /* 0: never */
    gint64 revoked_us; /* 0: not */
    int uses;
} MnbLink;

void mnb_link_free(MnbLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbLink, mnb_link_free)

/* Write. Makes a link for @event and a token for it, which is kept nowhere: show it now or never.
 * @kind, @session: see above. @label: NULL is "". @expires_us: 0 for never.
 * Returns (owned): the link. Errors: MNB_ERROR_INVALID for a role that links do not carry, a label
 * too long, or a session of another event; MNB_ERROR_NOT_FOUND for an unknown event. */
MnbLink *mnb_link_create(MnbDb *db, MnbLinkKind kind, const char *event, const char *session,
                         MnbRole role, const char *label, gint64 expires_us, gint64 now_us,
                         char token[MNB_TOKEN_SIZE], GError **error);

/* Finds the link of a token and says whether it still opens.
 * Errors: MNB_LINK_ERROR_UNKNOWN (also for what is no token), MNB_LINK_ERROR_EXPIRED,
 * MNB_LINK_ERROR_REVOKED. */
MnbLink *mnb_link_find_by_token(MnbDb *db, const char *token, gint64 now_us, GError **error);

/* By id, whatever its state. Errors: MNB_ERROR_NOT_FOUND. */
MnbLink *mnb_link_find(MnbDb *db, const char *id, GError **error);

/* Of kind role, oldest first. Returns (owned): MnbLink elements that the array frees. */
GPtrArray *mnb_link_list(MnbDb *db, const char *event, GError **error);

/* Of kind media, for @session, oldest first. Returns as above. */
GPtrArray *mnb_link_list_media(MnbDb *db, const char *session, GError **error);

/* Does it open now? The errors of mnb_link_find_by_token(). To look again at a link in hand. */
gboolean mnb_link_check(const MnbLink *link, gint64 now_us, GError **error);

/* What the holder may do: the permission table for the role; of a media link only the two media
 * permissions. */
gboolean mnb_link_may(const MnbLink *link, MnbPermission permission);

/* Write. Revoking twice keeps the first time. Errors: MNB_ERROR_NOT_FOUND. */
gboolean mnb_link_revoke(MnbDb *db, const char *id, gint64 now_us, GError **error);

/* Write. Counts somebody coming in. Errors: MNB_ERROR_NOT_FOUND. */
gboolean mnb_link_count_use(MnbDb *db, const char *id, GError **error);
