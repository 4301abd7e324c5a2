/* Staff accounts: who am I, signing in with a password or a one-time link, signing out. */
#include "recordings/audit.h"
#include "recordings/staff.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/http/api.h"
#include "server/http/asker.h"
#include "server/http/objects.h"
#include <string.h>

#define PASSWORD_BYTES_MAX (4 * MNB_PASSWORD_MAX)

void mnb_api_me(MnbHttpRequest *request)
{
    mnb_http_request_answer_json(request, 200,
                                 mnb_json_user(mnb_http_request_asker(request)->staff));
}

static void set_cookie(MnbHttpRequest *request, const char *token, gint64 seconds)
{
    g_autofree char *cookie = g_strdup_printf(
        MNB_COOKIE_NAME "=%s; Path=/; Max-Age=%" G_GINT64_FORMAT "; HttpOnly; SameSite=Strict%s",
        token, seconds, mnb_http_request_services(request)->is_secure ? "; Secure" : "");
    mnb_http_request_set_header(request, "Set-Cookie", cookie);
}

/* ---- signing in ---- */

typedef struct {
    char *token; /* of a one-time link; NULL: by password */
    char *hash;  /* what the password was right for */
    char *staff; /* id */
    char *key;   /* of the rate limit */
    gint64 now_us;
    MnbStaff *signed_in; /* the results */
    char cookie[MNB_TOKEN_SIZE];
} SignIn;

static void free_sign_in(gpointer data)
{
    SignIn *sign_in = data;
    g_free(sign_in->token);
    g_free(sign_in->hash);
    g_free(sign_in->staff);
    g_free(sign_in->key);
    mnb_staff_free(sign_in->signed_in);
    g_free(sign_in);
}

static MnbProblem *wrong_credentials(void)
{
    return mnb_problem_new(401, "wrong-credentials", "the name or the password is not right");
}

static gboolean write_sign_in(MnbDb *db, gpointer data, GError **error)
{
    SignIn *sign_in = data;
    g_clear_pointer(&sign_in->signed_in, mnb_staff_free);
    if (sign_in->token != NULL)
        sign_in->signed_in = mnb_staff_use_sign_in_link(db, sign_in->token, sign_in->now_us, error);
    else
        sign_in->signed_in = mnb_staff_find(db, sign_in->staff, error);
    if (sign_in->signed_in == NULL)
        return FALSE;
    const MnbStaff *staff = sign_in->signed_in;
    /* It may have been disabled, or its password changed, while the hash was computed. */
    if (sign_in->token == NULL &&
        (staff->disabled_us != 0 || g_strcmp0(staff->password_hash, sign_in->hash) != 0)) {
        g_set_error_literal(error, MNB_ERROR, MNB_ERROR_CONFLICT,
                            "the account was changed meanwhile; sign in again");
        return FALSE;
    }
    g_autofree char *actor = g_strconcat("staff:", staff->id, NULL);
    return mnb_staff_token_create(db, staff->id, MNB_STAFF_TOKEN_COOKIE,
                                  sign_in->now_us + MNB_STAFF_COOKIE_US, sign_in->now_us,
                                  sign_in->cookie, error) &&
           mnb_audit_append(db, sign_in->now_us, actor, "sign-in", actor,
                            sign_in->token != NULL ? "{\"by\":\"link\"}" : "{\"by\":\"password\"}",
                            error);
}

static void on_signed_in(MnbHttpRequest *request, gpointer data)
{
    const SignIn *sign_in = data;
    mnb_rate_give_back(mnb_http_request_services(request)->sign_ins, sign_in->key,
                       mnb_http_request_now_us(request));
    set_cookie(request, sign_in->cookie, MNB_STAFF_COOKIE_US / G_USEC_PER_SEC);
    mnb_http_request_answer_json(request, 200, mnb_json_user(sign_in->signed_in));
}

typedef struct {
    MnbHttpRequest *request;
    SignIn *sign_in;
} Verify;

static void on_verified(GObject *source, GAsyncResult *result, gpointer data)
{
    Verify *verify = data;
    g_autoptr(MnbHttpRequest) request = verify->request;
    SignIn *sign_in = verify->sign_in;
    g_free(verify);
    gboolean is_right = FALSE;
    g_autoptr(GError) error = NULL;
    if (mnb_http_request_is_closed(request)) {
        free_sign_in(sign_in);
        return;
    }
    if (!mnb_passwords_verify_finish(mnb_http_request_services(request)->passwords, result,
                                     &is_right, &error)) {
        mnb_http_request_answer_error(request, error);
        free_sign_in(sign_in);
    } else if (!is_right) {
        MNB_LOG_INFO("wrong password");
        mnb_http_request_answer_problem(request, wrong_credentials());
        free_sign_in(sign_in);
    } else {
        mnb_http_request_write(request, write_sign_in, sign_in, free_sign_in, on_signed_in);
    }
}

static void sign_in_by_password(MnbHttpRequest *request, SignIn *sign_in, const char *user,
                                const char *password)
{
    g_autoptr(MnbStaff) staff = mnb_staff_find_by_name(mnb_http_request_db(request), user, NULL);
    if (staff != NULL && staff->disabled_us == 0) {
        sign_in->staff = g_strdup(staff->id);
        sign_in->hash = g_strdup(staff->password_hash);
    }
    Verify *verify = g_new0(Verify, 1);
    verify->request = mnb_http_request_ref(request);
    verify->sign_in = sign_in;
    mnb_passwords_verify_async(mnb_http_request_services(request)->passwords, password,
                               sign_in->hash, NULL, on_verified, verify);
}

void mnb_api_sign_in(MnbHttpRequest *request)
{
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return;
    const char *user = NULL, *password = NULL, *token = NULL;
    mnb_fields_text(fields, "user", 0, MNB_STAFF_NAME_MAX, &user);
    mnb_fields_secret(fields, "password", PASSWORD_BYTES_MAX, &password);
    mnb_fields_secret(fields, "token", 200, &token);
    if (token == NULL) {
        mnb_fields_require(fields, "user");
        mnb_fields_require(fields, "password");
    }
    MnbProblem *problem = mnb_fields_finish(fields);
    g_autofree char *key = mnb_rate_address_key(mnb_http_request_address(request));
    if (problem == NULL) {
        guint wait_s = mnb_rate_take(mnb_http_request_services(request)->sign_ins, key,
                                     mnb_http_request_now_us(request));
        if (wait_s > 0) {
            problem = mnb_problem_new(429, "too-many",
                                      "too many tries from this address; wait %u s", wait_s);
            mnb_problem_set_retry_after(problem, wait_s);
        }
    }
    if (problem != NULL) {
        mnb_http_request_answer_problem(request, problem);
        return;
    }
    SignIn *sign_in = g_new0(SignIn, 1);
    sign_in->key = g_steal_pointer(&key);
    sign_in->now_us = mnb_http_request_wall_us(request);
    sign_in->token = g_strdup(token);
    if (token != NULL)
        mnb_http_request_write(request, write_sign_in, sign_in, free_sign_in, on_signed_in);
    else
        sign_in_by_password(request, sign_in, user, password);
}

/* ---- signing out ---- */

static gboolean write_sign_out(MnbDb *db, gpointer data, GError **error)
{
    return mnb_staff_end_cookie(db, data, error);
}

static void on_signed_out(MnbHttpRequest *request, gpointer data)
{
    set_cookie(request, "", 0);
    mnb_http_request_answer_empty(request, 204);
}

void mnb_api_sign_out(MnbHttpRequest *request)
{
    mnb_http_request_write(request, write_sign_out,
                           g_strdup(mnb_http_request_asker(request)->cookie), g_free,
                           on_signed_out);
}

/* ---- a new password ---- */

typedef struct {
    char *staff;
    char *hash;
    char *cookie;
    char *actor;
    gint64 now_us;
} NewPassword;

static void free_new_password(gpointer data)
{
    NewPassword *change = data;
    g_free(change->staff);
    g_free(change->hash);
    g_free(change->cookie);
    g_free(change->actor);
    g_free(change);
}

static gboolean write_password(MnbDb *db, gpointer data, GError **error)
{
    const NewPassword *change = data;
    return mnb_staff_set_password(db, change->staff, change->hash, change->cookie, error) &&
           mnb_audit_append(db, change->now_us, change->actor, "password-change", change->actor,
                            NULL, error);
}

static void on_password_set(MnbHttpRequest *request, gpointer data)
{
    mnb_http_request_answer_empty(request, 204);
}

static void on_hashed(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(MnbHttpRequest) request = data;
    g_autoptr(GError) error = NULL;
    if (mnb_http_request_is_closed(request))
        return;
    char *hash =
        mnb_passwords_hash_finish(mnb_http_request_services(request)->passwords, result, &error);
    if (hash == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    const MnbAsker *asker = mnb_http_request_asker(request);
    NewPassword *change = g_new0(NewPassword, 1);
    change->staff = g_strdup(asker->staff->id);
    change->hash = hash;
    change->cookie = g_strdup(asker->cookie);
    change->actor = g_strdup(asker->actor);
    change->now_us = mnb_http_request_wall_us(request);
    mnb_http_request_write(request, write_password, change, free_new_password, on_password_set);
}

void mnb_api_password(MnbHttpRequest *request)
{
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return;
    const char *password = NULL;
    mnb_fields_require(fields, "password");
    if (mnb_fields_secret(fields, "password", PASSWORD_BYTES_MAX, &password)) {
        glong characters = g_utf8_strlen(password, -1);
        if (characters < MNB_PASSWORD_MIN)
            mnb_fields_wrong(fields, "password", "too-short");
        else if (characters > MNB_PASSWORD_MAX)
            mnb_fields_wrong(fields, "password", "too-long");
    }
    MnbProblem *problem = mnb_fields_finish(fields);
    if (problem != NULL) {
        mnb_http_request_answer_problem(request, problem);
        return;
    }
    mnb_passwords_hash_async(mnb_http_request_services(request)->passwords, password, NULL,
                             on_hashed, mnb_http_request_ref(request));
}
