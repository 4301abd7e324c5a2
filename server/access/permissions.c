#include "server/access/permissions.h"

#include <string.h>

#define BIT(permission) (G_GUINT64_CONSTANT(1) << (permission))

static const char *const role_names[MNB_N_ROLES] = {
    [MNB_ROLE_VISITOR] = "visitor",
    [MNB_ROLE_OBSERVER] = "observer",
    [MNB_ROLE_PARTICIPANT] = "participant",
    [MNB_ROLE_INTERPRETER] = "interpreter",
    [MNB_ROLE_PRESENTER] = "presenter",
    [MNB_ROLE_FACILITATOR] = "facilitator",
    [MNB_ROLE_STAFF] = "staff",
    [MNB_ROLE_ADMIN] = "admin",
};

static const char *const permission_names[MNB_N_PERMISSIONS] = {
    [MNB_MAY_ATTEND] = "attend",
    [MNB_MAY_SPEAK] = "speak",
    [MNB_MAY_SHARE] = "share",
    [MNB_MAY_CHAT] = "chat",
    [MNB_MAY_RAISE_HAND] = "raise-hand",
    [MNB_MAY_TAKE_PART] = "take-part",
    [MNB_MAY_PRESENT] = "present",
    [MNB_MAY_INTERPRET] = "interpret",
    [MNB_MAY_CAPTION] = "caption",
    [MNB_MAY_MODERATE] = "moderate",
    [MNB_MAY_RECORD] = "record",
    [MNB_MAY_HOST] = "host",
    [MNB_MAY_EDIT_EVENT] = "edit-event",
    [MNB_MAY_MANAGE_LINKS] = "manage-links",
    [MNB_MAY_PLAN_EVENT] = "plan-event",
    [MNB_MAY_SEE_STAFF] = "see-staff",
    [MNB_MAY_PUBLISH_RECORDING] = "publish-recording",
    [MNB_MAY_IMPORT] = "import",
    [MNB_MAY_ADMIN] = "admin",
    [MNB_MAY_MEDIA_PUBLISH] = "media-publish",
    [MNB_MAY_MEDIA_RECEIVE] = "media-receive",
};

#define TAKES_PART                                                                                 \
    (BIT(MNB_MAY_ATTEND) | BIT(MNB_MAY_SPEAK) | BIT(MNB_MAY_CHAT) | BIT(MNB_MAY_RAISE_HAND) |      \
     BIT(MNB_MAY_TAKE_PART) | BIT(MNB_MAY_MEDIA_RECEIVE))
#define PRESENTS                                                                                   \
    (TAKES_PART | BIT(MNB_MAY_SHARE) | BIT(MNB_MAY_PRESENT) | BIT(MNB_MAY_MEDIA_PUBLISH))

/* The table. What is not here is denied. An observer hears and sees, and says nothing; a
 * participant publishes from a browser only, a presenter also from an encoder; staff come into a
 * session by a link like everybody, so that the room knows who they are. */
static const guint64 table[MNB_N_ROLES] = {
    [MNB_ROLE_OBSERVER] = BIT(MNB_MAY_ATTEND) | BIT(MNB_MAY_MEDIA_RECEIVE),
    [MNB_ROLE_PARTICIPANT] = TAKES_PART,
    [MNB_ROLE_INTERPRETER] = TAKES_PART | BIT(MNB_MAY_INTERPRET) | BIT(MNB_MAY_CAPTION),
    [MNB_ROLE_PRESENTER] = PRESENTS,
    [MNB_ROLE_FACILITATOR] = PRESENTS | BIT(MNB_MAY_CAPTION) | BIT(MNB_MAY_MODERATE) |
                             BIT(MNB_MAY_RECORD) | BIT(MNB_MAY_HOST) | BIT(MNB_MAY_EDIT_EVENT) |
                             BIT(MNB_MAY_MANAGE_LINKS),
    [MNB_ROLE_STAFF] = BIT(MNB_MAY_HOST) | BIT(MNB_MAY_EDIT_EVENT) | BIT(MNB_MAY_MANAGE_LINKS) |
                       BIT(MNB_MAY_PLAN_EVENT) | BIT(MNB_MAY_SEE_STAFF) |
                       BIT(MNB_MAY_PUBLISH_RECORDING) | BIT(MNB_MAY_IMPORT),
    [MNB_ROLE_ADMIN] = BIT(MNB_MAY_HOST) | BIT(MNB_MAY_EDIT_EVENT) | BIT(MNB_MAY_MANAGE_LINKS) |
                       BIT(MNB_MAY_PLAN_EVENT) | BIT(MNB_MAY_SEE_STAFF) |
                       BIT(MNB_MAY_PUBLISH_RECORDING) | BIT(MNB_MAY_IMPORT) | BIT(MNB_MAY_ADMIN),
};
G_STATIC_ASSERT(MNB_N_PERMISSIONS <= 64);

gboolean mnb_role_may(MnbRole role, MnbPermission permission)
{
    if ((guint)role >= MNB_N_ROLES || (guint)permission >= MNB_N_PERMISSIONS)
        return FALSE;
    return (table[role] & BIT(permission)) != 0;
}

const char *mnb_role_to_string(MnbRole role)
{
    return (guint)role < MNB_N_ROLES ? role_names[role] : NULL;
}

const char *mnb_permission_to_string(MnbPermission permission)
{
    return (guint)permission < MNB_N_PERMISSIONS ? permission_names[permission] : NULL;
}

static int find(const char *const *names, int n_names, const char *text)
{
    for (int i = 0; text != NULL && i < n_names; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    return -1;
}

gboolean mnb_role_parse(const char *text, MnbRole *role)
{
    int index = find(role_names, MNB_N_ROLES, text);
    if (index < 0)
        return FALSE;
    *role = (MnbRole)index;
    return TRUE;
}

gboolean mnb_permission_parse(const char *text, MnbPermission *permission)
{
    int index = find(permission_names, MNB_N_PERMISSIONS, text);
    if (index < 0)
        return FALSE;
    *permission = (MnbPermission)index;
    return TRUE;
}

gboolean mnb_role_is_for_links(MnbRole role)
{
    return role >= MNB_ROLE_OBSERVER && role <= MNB_ROLE_FACILITATOR;
}
