#include "server/http/asker.h"
#include "server/base/error.h"
#include <string.h>

char *mnb_asker_cookie(const char *cookies, const char *name)
{
    g_auto(GStrv) parts = g_strsplit(cookies, ";", 64);
    gsize len = strlen(name);
    for (guint i = 0; parts[i] != NULL; i++) {
        const char *part = g_strstrip(parts[i]);
        if (strncmp(part, name, len) == 0 && part[len] == '=')
            return g_strdup(part + len + 1);
    }
    return NULL;
}

char *mnb_asker_bearer(const char *authorization)
{
    if (g_ascii_strncasecmp(authorization, "Bearer ", 7) != 0)
        return NULL;
    return g_strstrip(g_strdup(authorization + 7));
}

static gboolean find_staff(MnbDb *db, const char *cookies, gint64 wall_us, MnbAsker *asker,
                           GError **error)
{
    g_autoptr(GError) wrong = NULL;
    g_autofree char *token = mnb_asker_cookie(cookies, MNB_COOKIE_NAME);
    if (token == NULL)
        return TRUE;
    asker->staff = mnb_staff_find_by_cookie(db, token, wall_us, &wrong);
    if (asker->staff == NULL)
        return g_error_matches(wrong, MNB_ERROR, MNB_ERROR_NOT_FOUND) ||
               wrong->domain == MNB_LINK_ERROR ||
               (g_propagate_error(error, g_steal_pointer(&wrong)), FALSE);
    asker->cookie = g_steal_pointer(&token);
    g_snprintf(asker->actor, sizeof asker->actor, "staff:%s", asker->staff->id);
    return TRUE;
}

gboolean mnb_asker_find(MnbDb *db, const char *cookies, const char *authorization, gint64 wall_us,
                        MnbAsker *asker_out, GError **error)
{
    MnbAsker asker = {.actor = "visitor"};
    *asker_out = asker;
    if (cookies != NULL && !find_staff(db, cookies, wall_us, &asker, error))
        return FALSE;
    g_autofree char *token = authorization != NULL ? mnb_asker_bearer(authorization) : NULL;
    if (token != NULL) {
        asker.link = mnb_link_find_by_token(db, token, wall_us, error);
        if (asker.link == NULL) {
            mnb_asker_clear(&asker);
            return FALSE;
        }
        if (asker.staff == NULL)
            g_snprintf(asker.actor, sizeof asker.actor, "link:%s", asker.link->id);
    }
    *asker_out = asker;
    return TRUE;
}

void mnb_asker_clear(MnbAsker *asker)
{
    g_clear_pointer(&asker->staff, mnb_staff_free);
    g_clear_pointer(&asker->link, mnb_link_free);
    g_clear_pointer(&asker->cookie, g_free);
}
