#include "server/access/passwords.h"

#include <sodium.h>
#include <string.h>

#include "server/base/error.h"

#define WORKERS 2 /* 64 MiB and one core each */

struct MnbPasswords {
    GThreadPool *pool;
    gint n_waiting; /* given to the pool and not answered */
};

typedef struct {
    char *password;
    char *hash; /* to compare with; NULL when hashing, or when there is none */
    gboolean is_verify;
} Work;

static void free_work(gpointer data)
{
    Work *work = data;
    if (work->password != NULL)
        sodium_memzero(work->password, strlen(work->password));
    g_free(work->password);
    g_free(work->hash);
    g_free(work);
}

static void start_sodium(void)
{
    if (sodium_init() < 0)
        g_error("libsodium cannot start");
}

gboolean mnb_password_check(const char *password, GError **error)
{
    gboolean is_text = password != NULL && g_utf8_validate(password, -1, NULL);
    glong n_chars = is_text ? g_utf8_strlen(password, -1) : 0;
    if (n_chars >= MNB_PASSWORD_MIN && n_chars <= MNB_PASSWORD_MAX)
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "password: must have %d to %d characters",
                MNB_PASSWORD_MIN, MNB_PASSWORD_MAX);
    return FALSE;
}

static char *make_hash(const char *password, GError **error)
{
    char hash[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_LIMIT, "no memory to hash a password");
        return NULL;
    }
    return g_strdup(hash);
}

static gboolean compare(const char *password, const char *hash)
{
    return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

/* Without a hash to compare with, as much work is done and the answer is no: how long it takes must
 * not tell which names exist. */
static gboolean verify(const char *password, const char *hash)
{
    if (hash != NULL && hash[0] != '\0')
        return compare(password, hash);
    g_free(make_hash(password, NULL));
    return FALSE;
}

static void on_work(gpointer data, gpointer user_data)
{
    g_autoptr(GTask) task = data;
    MnbPasswords *self = user_data;
    Work *work = g_task_get_task_data(task);
    GError *error = NULL;
    if (g_task_return_error_if_cancelled(task)) {
        g_atomic_int_add(&self->n_waiting, -1);
        return;
    }
    if (work->is_verify) {
        gboolean is_right = verify(work->password, work->hash);
        g_atomic_int_add(&self->n_waiting, -1);
        g_task_return_int(task, is_right ? 1 : 0);
        return;
    }
    char *hash = make_hash(work->password, &error);
    g_atomic_int_add(&self->n_waiting, -1);
    if (hash != NULL)
        g_task_return_pointer(task, hash, g_free);
    else
        g_task_return_error(task, error);
}

MnbPasswords *mnb_passwords_new(void)
{
    start_sodium();
    MnbPasswords *self = g_new0(MnbPasswords, 1);
    self->pool = g_thread_pool_new(on_work, self, WORKERS, FALSE, NULL);
    return self;
}

void mnb_passwords_free(MnbPasswords *self)
{
    if (self == NULL)
        return;
    g_thread_pool_free(self->pool, FALSE, TRUE);
    g_free(self);
}

static void start(MnbPasswords *self, GTask *task, const char *password, const char *hash,
                  gboolean is_verify)
{
    if (g_atomic_int_add(&self->n_waiting, 1) >= MNB_PASSWORDS_QUEUE_MAX) {
        g_atomic_int_add(&self->n_waiting, -1);
        g_task_return_new_error(task, MNB_ERROR, MNB_ERROR_LIMIT,
                                "too many sign-ins at once; try again in some seconds");
        return;
    }
    Work *work = g_new0(Work, 1);
    work->password = g_strdup(password == NULL ? "" : password);
    work->hash = g_strdup(hash);
    work->is_verify = is_verify;
    g_task_set_task_data(task, work, free_work);
    g_thread_pool_push(self->pool, g_object_ref(task), NULL);
}

void mnb_passwords_hash_async(MnbPasswords *self, const char *password, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, user_data);
    g_task_set_source_tag(task, mnb_passwords_hash_async);
    GError *error = NULL;
    if (!mnb_password_check(password, &error))
        g_task_return_error(task, error);
    else
        start(self, task, password, NULL, FALSE);
}

char *mnb_passwords_hash_finish(MnbPasswords *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, mnb_passwords_hash_async), NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}

void mnb_passwords_verify_async(MnbPasswords *self, const char *password, const char *hash,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, user_data);
    g_task_set_source_tag(task, mnb_passwords_verify_async);
    /* Longer than any that was ever set: no need to hash megabytes. */
    gboolean is_possible = mnb_password_check(password, NULL);
    start(self, task, is_possible ? password : "", is_possible ? hash : NULL, TRUE);
}

gboolean mnb_passwords_verify_finish(MnbPasswords *self, GAsyncResult *result, gboolean *is_right,
                                     GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, mnb_passwords_verify_async), FALSE);
    *is_right = FALSE;
    gssize answer = g_task_propagate_int(G_TASK(result), error);
    if (answer < 0)
        return FALSE;
    *is_right = answer == 1;
    return TRUE;
}

char *mnb_password_hash_sync(const char *password, GError **error)
{
    start_sodium();
    return mnb_password_check(password, error) ? make_hash(password, error) : NULL;
}

gboolean mnb_password_verify_sync(const char *password, const char *hash)
{
    start_sodium();
    gboolean is_possible = mnb_password_check(password, NULL);
    return verify(is_possible ? password : "", is_possible ? hash : NULL);
}
