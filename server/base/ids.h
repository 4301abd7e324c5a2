/* ids.h - names of things, and secrets. Both from the kernel's random numbers; any thread.
 *
 * An id is 26 characters of Crockford base32 in lower case, [0-9a-hjkmnp-tv-z], 128 random bits: it
 * names a thing and is no secret. A token is 43 characters of base64url (RFC 4648, 5), 256 random
 * bits: who has it comes in. Tokens are kept as SHA-256 only and never logged. */
#pragma once
#include <glib.h>

#define MNB_ID_CHARS         26
#define MNB_ID_SIZE          (MNB_ID_CHARS + 1) /* bytes with the NUL */
#define MNB_TOKEN_CHARS      43
#define MNB_TOKEN_SIZE       (MNB_TOKEN_CHARS + 1)
#define MNB_TOKEN_HASH_BYTES 32

/* Writes a new id or token with its NUL. Never fails: without random numbers the process aborts. */
void mnb_id_make(char id_out[MNB_ID_SIZE]);
void mnb_token_make(char token_out[MNB_TOKEN_SIZE]);

/* Returns (owned): a new id, for those who keep it on the heap. */
char *mnb_id_new(void);

/* Right length and alphabet. NULL is FALSE. */
gboolean mnb_id_is_valid(const char *id);
gboolean mnb_token_is_valid(const char *token);

/* SHA-256 of the characters of @token: what the catalogue keeps. */
void mnb_token_hash(const char *token, guint8 hash_out[MNB_TOKEN_HASH_BYTES]);

/* Fills @buffer with @size random bytes from getrandom(2). */
void mnb_random_fill(void *buffer, gsize size);
