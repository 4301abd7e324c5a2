/* staff.h - staff accounts, their one-time sign-in links and cookies: tables `staff`,
 * `staff_token`. */
#pragma once

#include <glib.h>

#include "recordings/db.h"
#include "server/access/permissions.h"
#include "server/access/tokens.h"

#define MNB_STAFF_NAME_MAX 100 /* characters */
#define MNB_STAFF_LINK_US                                                                          \
    (G_GINT64_CONSTANT(24) * 3600 * G_USEC_PER_SEC) /* usual life of a sign-in link */
#define MNB_STAFF_COOKIE_US (G_GINT64_CONSTANT(14) * 24 * 3600 * G_USEC_PER_SEC)

typedef struct {
    char *id;
    char *name;
    char *password_hash; /* NULL: none set; never leaves the server */
    gboolean is_admin;
    gint64 created_us;
    gint64 disabled_us; /* 0: not */
} MnbStaff;

typedef enum {
    MNB_STAFF_TOKEN_SIGN_IN, /* works once */
    MNB_STAFF_TOKEN_COOKIE,
} MnbStaffTokenKind;

void mnb_staff_free(MnbStaff *staff);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbStaff, mnb_staff_free)

/* MNB_ROLE_STAFF or MNB_ROLE_ADMIN; MNB_ROLE_VISITOR for NULL or a disabled account. */
MnbRole mnb_staff_role(const MnbStaff *staff);

/* Return (owned), or NULL with MNB_ERROR_NOT_FOUND. Names compare without case (ASCII). */
MnbStaff *mnb_staff_find(MnbDb *db, const char *id, GError **error);
MnbStaff *mnb_staff_find_by_name(MnbDb *db, const char *name, GError **error);
GPtrArray *mnb_staff_list(MnbDb *db, GError **error);

/* Write. Errors: MNB_ERROR_INVALID for an empty or too long name; MNB_ERROR_CONFLICT if it is
 * taken. */
MnbStaff *mnb_staff_create(MnbDb *db, const char *name, gboolean is_admin, gint64 now_us,
                           GError **error);

/* Write. @hash: from passwords.h. Ends all cookies of the account except @keep_cookie (a token;
 * NULL for none), and its unused sign-in links. */
gboolean mnb_staff_set_password(MnbDb *db, const char *id, const char *hash,
                                const char *keep_cookie, GError **error);

/* Write. Disabling ends its cookies and sign-in links. Errors: MNB_ERROR_NOT_FOUND. */
gboolean mnb_staff_set_disabled(MnbDb *db, const char *id, gboolean is_disabled, gint64 now_us,
                                GError **error);

/* Write. Makes a token for the account. */
gboolean mnb_staff_token_create(MnbDb *db, const char *staff, MnbStaffTokenKind kind,
                                gint64 expires_us, gint64 now_us, char token[MNB_TOKEN_SIZE],
                                GError **error);

/* Write. Uses up a sign-in link. Returns (owned): whose it was.
 * Errors: MNB_LINK_ERROR_UNKNOWN, MNB_LINK_ERROR_EXPIRED, MNB_LINK_ERROR_USED; disabled accounts
 * count as unknown. */
MnbStaff *mnb_staff_use_sign_in_link(MnbDb *db, const char *token, gint64 now_us, GError **error);

/* Whose cookie is it? Errors: MNB_ERROR_NOT_FOUND for unknown, expired, or a disabled account. */
MnbStaff *mnb_staff_find_by_cookie(MnbDb *db, const char *token, gint64 now_us, GError **error);

/* Write. Signing out: ends one cookie. TRUE as well if there is none. */
gboolean mnb_staff_end_cookie(MnbDb *db, const char *token, GError **error);

/* Write. Removes tokens that expired more than a day before @now_us. Call daily. */
gboolean mnb_staff_prune_tokens(MnbDb *db, gint64 now_us, GError **error);
