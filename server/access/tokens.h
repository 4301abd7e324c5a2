/* tokens.h - secrets that open something: role links, sign-in links, cookies, resume tokens.
 *
 * Made and hashed by server/base/ids.h: 256 random bits, 43 characters of base64url, kept as
 * SHA-256 only, so whoever reads the catalogue cannot use them. SHA-256 without salt is enough
 * because a token is random. Never log a token. Here: checking one that a client sent, and what is
 * wrong with it. Any thread. */
#pragma once

#include "server/base/ids.h"

/* Why a token does not open. */
#define MNB_LINK_ERROR mnb_link_error_quark()

typedef enum {
    MNB_LINK_ERROR_UNKNOWN, /* no such token, or not the form of one */
    MNB_LINK_ERROR_EXPIRED,
    MNB_LINK_ERROR_REVOKED,
    MNB_LINK_ERROR_USED, /* a one-time link that was used */
} MnbLinkErrorCode;

GQuark mnb_link_error_quark(void);

/* "link-unknown", "link-expired", "link-revoked", "link-used", as in docs/protocol.md; other errors
 * as mnb_error_name(). */
const char *mnb_link_error_name(const GError *error);

/* Hashes what a client sent. @token: any text, NULL allowed.
 * Returns: FALSE if it has not the form of a token. */
gboolean mnb_token_digest(const char *token, guint8 hash_out[MNB_TOKEN_HASH_BYTES]);
