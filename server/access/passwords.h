/* passwords.h - staff passwords: argon2id (libsodium, INTERACTIVE: about 0.1 s and 64 MiB each).
 *
 * Hashing runs in at most two worker threads; more requests wait in a queue of
 * MNB_PASSWORDS_QUEUE_MAX, and past that are refused with MNB_ERROR_LIMIT, so that guessing costs
 * the guesser and not the server. Owned and called by the main thread; callbacks arrive in its main
 * context. */
#pragma once

#include <gio/gio.h>

#define MNB_PASSWORD_MIN        12  /* characters */
#define MNB_PASSWORD_MAX        128 /* characters */
#define MNB_PASSWORDS_QUEUE_MAX 64

typedef struct MnbPasswords MnbPasswords;

MnbPasswords *mnb_passwords_new(void); /* owned */

/* Waits for hashes under way. NULL is fine. */
void mnb_passwords_free(MnbPasswords *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbPasswords, mnb_passwords_free)

/* Is it valid UTF-8 of MNB_PASSWORD_MIN to MNB_PASSWORD_MAX characters?
 * Errors: MNB_ERROR_INVALID, whose text says what is wrong. */
gboolean mnb_password_check(const char *password, GError **error);

/* @password: copied, wiped after use. @callback's source object is NULL. */
void mnb_passwords_hash_async(MnbPasswords *self, const char *password, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);

/* Returns (owned): the text to keep in staff.password_hash, or NULL.
 * Errors: as mnb_password_check(); MNB_ERROR_LIMIT; G_IO_ERROR_CANCELLED. */
char *mnb_passwords_hash_finish(MnbPasswords *self, GAsyncResult *result, GError **error);

/* @hash: NULL (no such user, no password set) takes as long as a real one and never matches. */
void mnb_passwords_verify_async(MnbPasswords *self, const char *password, const char *hash,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);

/* Returns: TRUE and @is_right set; FALSE with MNB_ERROR_LIMIT or G_IO_ERROR_CANCELLED. */
gboolean mnb_passwords_verify_finish(MnbPasswords *self, GAsyncResult *result, gboolean *is_right,
                                     GError **error);

/* For the command line: at once, on the calling thread. Returns (owned): the hash, or NULL. */
char *mnb_password_hash_sync(const char *password, GError **error);
gboolean mnb_password_verify_sync(const char *password, const char *hash);
