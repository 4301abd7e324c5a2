/* asker.h - who asks: the staff account of the cookie, the link of the bearer token. Main thread.
 */
#pragma once
#include "server/http/request.h"

#define MNB_COOKIE_NAME "manabi_session"

/* @cookies: the Cookie header, @authorization: the Authorization header; NULL: absent.
 * A cookie that opens nothing counts as none; a bearer token that opens nothing is an error.
 * Returns FALSE with @error (MNB_LINK_ERROR, or storage) and an asker that is a visitor. */
gboolean mnb_asker_find(MnbDb *db, const char *cookies, const char *authorization, gint64 wall_us,
                        MnbAsker *asker_out, GError **error);
void mnb_asker_clear(MnbAsker *asker);

/* One cookie of a Cookie header (RFC 6265, 5.4). Returns (owned): NULL when it is not there. */
char *mnb_asker_cookie(const char *cookies, const char *name);
/* The token of "Bearer TOKEN" (RFC 6750; the word in any case). Returns (owned): NULL for another
 * scheme. */
char *mnb_asker_bearer(const char *authorization);
