/* Tokens and passwords. */
#include <string.h>

#include "server/access/passwords.h"
#include "server/access/tokens.h"
#include "server/base/error.h"

static void test_token(void)
{
    char token[MNB_TOKEN_SIZE];
    guint8 hash[MNB_TOKEN_HASH_BYTES];
    mnb_token_make(token);
    g_assert_true(mnb_token_digest(token, hash));
    g_assert_false(mnb_token_digest(NULL, hash));
    g_assert_false(mnb_token_digest("", hash));
    g_assert_false(mnb_token_digest("too short", hash));
    token[5] = '=';
    g_assert_false(mnb_token_digest(token, hash));
}

/* SHA-256 of the 43 characters, computed with another program. */
static void test_known_hash(void)
{
    static const char token[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    g_autofree char *expected = g_compute_checksum_for_string(G_CHECKSUM_SHA256, token, -1);
    guint8 hash[MNB_TOKEN_HASH_BYTES];
    char hex[2 * MNB_TOKEN_HASH_BYTES + 1];
    g_assert_true(mnb_token_digest(token, hash));
    for (guint i = 0; i < sizeof hash; i++)
        g_snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    g_assert_cmpstr(hex, ==, expected);
}

static void test_error_names(void)
{
    static const char *const names[] = {"link-unknown", "link-expired", "link-revoked",
                                        "link-used"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = g_error_new(MNB_LINK_ERROR, (int)i, "x");
        g_assert_cmpstr(mnb_link_error_name(error), ==, names[i]);
    }
    g_autoptr(GError) other = g_error_new(MNB_ERROR, MNB_ERROR_NOT_FOUND, "x");
    g_assert_cmpstr(mnb_link_error_name(other), ==, "not-found");
    g_assert_cmpstr(mnb_link_error_name(NULL), ==, "failed");
}

/* ---- passwords ---- */

static void test_check(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *longest = g_strnfill(MNB_PASSWORD_MAX, 'x');
    g_autofree char *too_long = g_strnfill(MNB_PASSWORD_MAX + 1, 'x');
    g_assert_true(mnb_password_check("十二文字のパスワードです", &error));
    g_assert_true(mnb_password_check(longest, &error));
    static const char *const bad[] = {"", "eleven char", "bad utf-8 \xff\xfe here", NULL};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(mnb_password_check(bad[i], &error));
        g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
        g_clear_error(&error);
    }
    g_assert_false(mnb_password_check(too_long, NULL));
}

static void test_sync(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *hash = mnb_password_hash_sync("correct horse battery", &error);
    g_assert_no_error(error);
    g_assert_true(g_str_has_prefix(hash, "$argon2id$"));
    g_assert_true(mnb_password_verify_sync("correct horse battery", hash));
    g_assert_false(mnb_password_verify_sync("correct horse batterx", hash));
    g_assert_false(mnb_password_verify_sync("", hash));
    g_assert_false(mnb_password_verify_sync("correct horse battery", NULL));
    g_assert_false(mnb_password_verify_sync("correct horse battery", "not a hash"));
    g_assert_null(mnb_password_hash_sync("short", &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
}

typedef struct {
    MnbPasswords *passwords;
    GMainLoop *loop;
    char *hash;
    int answers;
    int right;
    int refused;
} Run;

static void on_hash(GObject *source, GAsyncResult *result, gpointer data)
{
    Run *run = data;
    run->hash = mnb_passwords_hash_finish(run->passwords, result, NULL);
    g_main_loop_quit(run->loop);
}

static void on_verify(GObject *source, GAsyncResult *result, gpointer data)
{
    Run *run = data;
    g_autoptr(GError) error = NULL;
    gboolean is_right = TRUE;
    if (mnb_passwords_verify_finish(run->passwords, result, &is_right, &error)) {
        run->right += is_right;
    } else {
        g_assert_error(error, MNB_ERROR, MNB_ERROR_LIMIT);
        g_assert_false(is_right);
        run->refused++;
    }
    if (--run->answers == 0)
        g_main_loop_quit(run->loop);
}

static void verify(Run *run, const char *password, const char *hash)
{
    run->answers++;
    mnb_passwords_verify_async(run->passwords, password, hash, NULL, on_verify, run);
}

static void test_async(void)
{
    Run run = {.passwords = mnb_passwords_new(), .loop = g_main_loop_new(NULL, FALSE)};
    mnb_passwords_hash_async(run.passwords, "correct horse battery", NULL, on_hash, &run);
    g_main_loop_run(run.loop);
    g_assert_nonnull(run.hash);
    verify(&run, "correct horse battery", run.hash);
    verify(&run, "wrong horse battery", run.hash);
    verify(&run, "correct horse battery", NULL);
    verify(&run, NULL, run.hash);
    g_main_loop_run(run.loop);
    g_assert_cmpint(run.right, ==, 1);
    g_assert_cmpint(run.refused, ==, 0);
    g_free(run.hash);
    g_main_loop_unref(run.loop);
    mnb_passwords_free(run.passwords);
}

static void on_cancelled(GObject *source, GAsyncResult *result, gpointer data)
{
    Run *run = data;
    g_autoptr(GError) error = NULL;
    gboolean is_right;
    g_assert_false(mnb_passwords_verify_finish(run->passwords, result, &is_right, &error));
    g_assert_true(error->domain == MNB_ERROR ||
                  g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
    run->refused += error->domain == MNB_ERROR;
    if (--run->answers == 0)
        g_main_loop_quit(run->loop);
}

/* Past the queue they are refused at once; cancelled ones cost nothing. */
static void test_limit(void)
{
    Run run = {.passwords = mnb_passwords_new(), .loop = g_main_loop_new(NULL, FALSE)};
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    for (int i = 0; i < 2 * MNB_PASSWORDS_QUEUE_MAX; i++) {
        run.answers++;
        gboolean is_first = i < MNB_PASSWORDS_QUEUE_MAX;
        mnb_passwords_verify_async(run.passwords, "correct horse battery", NULL,
                                   is_first ? cancellable : NULL, on_cancelled, &run);
    }
    g_cancellable_cancel(cancellable);
    g_main_loop_run(run.loop);
    g_assert_cmpint(run.answers, ==, 0);
    g_assert_cmpint(run.refused, ==, MNB_PASSWORDS_QUEUE_MAX);
    g_main_loop_unref(run.loop);
    mnb_passwords_free(run.passwords);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/access/tokens/match-only-their-hash", test_token);
    g_test_add_func("/access/tokens/are-hashed-with-sha-256", test_known_hash);
    g_test_add_func("/access/tokens/say-why-they-do-not-open", test_error_names);
    g_test_add_func("/access/passwords/have-bounds", test_check);
    g_test_add_func("/access/passwords/are-hashed-with-argon2id", test_sync);
    g_test_add_func("/access/passwords/are-checked-in-the-background", test_async);
    g_test_add_func("/access/passwords/answer-when-cancelled-or-too-many", test_limit);
    return g_test_run();
}
