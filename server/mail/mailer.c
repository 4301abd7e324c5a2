#include "server/mail/mailer.h"
#include "recordings/mail.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/mail/compose.h"
#include <curl/curl.h>
#include <string.h>

#define POLL_S         5 /* looks for what has become due */
#define CONNECT_MS     15000
#define WHOLE_MS       60000
#define SAID_MAX       256
#define PASSWORD_MAX   1024
#define RELAY_PAUSE_US (5 * G_USEC_PER_SEC)

typedef enum { SENT, REFUSED, LATER } Outcome;

/* One mail under way: the thread has it until it is done. */
typedef struct {
    MnbMailer *mailer;
    MnbMail *mail;
    gsize at; /* bytes read */
    Outcome outcome;
    const char *code;
    char said[SAID_MAX]; /* the relay's words, or libcurl's */
} Sending;

struct MnbMailer {
    guint refs; /* the owner's, and one of the write under way */
    gboolean is_closed;
    MnbCatalog *catalog;
    const MnbClock *clock;
    char *relay, *from, *envelope, *user, *password;
    gboolean needs_tls;
    guint poll;
    Sending *current; /* NULL: nothing is under way, until its outcome is written */
    GThread *thread;  /* NULL: nothing is being sent */
    gint is_cut;      /* atomic */
    gint64 not_before_us;
    guint64 sent, refused, retried;
};

static gboolean check_options(const MnbMailerOptions *options, GError **error)
{
    g_autofree char *address = mnb_compose_address_of(options->from);
    if (!g_str_has_prefix(options->relay, "smtp://") &&
        !g_str_has_prefix(options->relay, "smtps://")) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "[mail] relay: must begin with smtp:// or smtps://");
        return FALSE;
    }
    if (address == NULL) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "[mail] from: must be an address, or Name <address>");
        return FALSE;
    }
    return TRUE;
}

static char *read_password(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize len = 0;
    g_autoptr(GError) why = NULL;
    if (path[0] == '\0')
        return g_strdup("");
    if (!g_file_get_contents(path, &text, &len, &why) || len > PASSWORD_MAX) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND, "[mail] password_file: %s",
                    why != NULL ? why->message : "too long");
        return NULL;
    }
    return g_strdup(g_strchomp(text));
}

static gboolean on_poll(gpointer data)
{
    mnb_mailer_kick(data);
    return G_SOURCE_CONTINUE;
}

MnbMailer *mnb_mailer_new(const MnbMailerOptions *options, GError **error)
{
    mnb_compose_init();
    if (!check_options(options, error))
        return NULL;
    g_autofree char *password = read_password(options->password_file, error);
    if (password == NULL)
        return NULL;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    MnbMailer *mailer = g_new0(MnbMailer, 1);
    mailer->refs = 1;
    mailer->catalog = options->catalog;
    mailer->clock = options->clock;
    mailer->relay = g_strdup(options->relay);
    mailer->from = g_strdup(options->from);
    mailer->envelope = mnb_compose_address_of(options->from);
    mailer->user = g_strdup(options->user);
    mailer->password = g_steal_pointer(&password);
    mailer->needs_tls = options->needs_tls;
    mailer->poll = g_timeout_add_seconds(POLL_S, on_poll, mailer);
    return mailer;
}

static void sending_free(gpointer data)
{
    Sending *sending = data;
    mnb_mail_free(sending->mail);
    g_free(sending);
}

static void unref(MnbMailer *mailer)
{
    if (--mailer->refs > 0)
        return;
    g_free(mailer->relay);
    g_free(mailer->from);
    g_free(mailer->envelope);
    g_free(mailer->user);
    g_free(mailer->password);
    g_free(mailer);
}

void mnb_mailer_free(MnbMailer *mailer)
{
    if (mailer == NULL)
        return;
    mailer->is_closed = TRUE;
    g_clear_handle_id(&mailer->poll, g_source_remove);
    g_atomic_int_set(&mailer->is_cut, 1);
    if (mailer->thread != NULL) {
        g_thread_join(mailer->thread);
        g_idle_remove_by_data(mailer->current);
        sending_free(mailer->current);
    }
    unref(mailer);
}

const char *mnb_mailer_from(const MnbMailer *mailer)
{
    return mailer->from;
}

/* ------------------------------------------------------------------------------ on the thread */

static size_t on_read(char *buffer, size_t size, size_t count, void *data)
{
    Sending *sending = data;
    gsize rest = strlen(sending->mail->message) - sending->at;
    gsize len = MIN(rest, size * count);
    memcpy(buffer, sending->mail->message + sending->at, len);
    sending->at += len;
    return len;
}

/* Each line that the relay says; the last "no" is the reason when it fails. */
static size_t on_line(char *line, size_t size, size_t count, void *data)
{
    Sending *sending = data;
    gsize len = MIN(size * count, sizeof sending->said - 1);
    if (len == 0 || (line[0] != '4' && line[0] != '5'))
        return size * count;
    memcpy(sending->said, line, len);
    sending->said[len] = '\0';
    g_strchomp(sending->said);
    return size * count;
}

static int on_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    return g_atomic_int_get(&((Sending *)data)->mailer->is_cut);
}

static void judge(Sending *sending, CURLcode result, long status, const char *words)
{
    gboolean is_address = result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR ||
                          result == CURLE_WEIRD_SERVER_REPLY || result == CURLE_UPLOAD_FAILED;
    sending->outcome = SENT;
    if (result == CURLE_OK)
        return;
    sending->outcome = LATER;
    sending->code = "relay-down";
    if (result == CURLE_LOGIN_DENIED || result == CURLE_USE_SSL_FAILED ||
        result == CURLE_PEER_FAILED_VERIFICATION) {
        sending->code = "relay-refused"; /* the operator's to mend */
    } else if (status >= 500 && status < 600 && is_address) {
        sending->outcome = REFUSED;
        sending->code = "refused";
    } else if (status >= 400 && is_address) {
        sending->code = "not-now";
    }
    if (sending->said[0] == '\0' || g_strcmp0(sending->code, "relay-down") == 0)
        g_strlcpy(sending->said, words, sizeof sending->said);
}

static gboolean on_done(gpointer data);

static gpointer send_one(gpointer data)
{
    Sending *sending = data;
    MnbMailer *mailer = sending->mailer;
    char words[CURL_ERROR_SIZE] = "";
    long status = 0;
    CURL *curl = curl_easy_init();
    struct curl_slist *to = curl_slist_append(NULL, sending->mail->address);
    curl_easy_setopt(curl, CURLOPT_URL, mailer->relay);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     (long)(mailer->needs_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    if (mailer->user[0] != '\0') {
        curl_easy_setopt(curl, CURLOPT_USERNAME, mailer->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, mailer->password);
    }
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, mailer->envelope);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, sending);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_line);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, sending);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, sending);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)WHOLE_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
    CURLcode result = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    judge(sending, result, status, words[0] != '\0' ? words : curl_easy_strerror(result));
    curl_slist_free_all(to);
    curl_easy_cleanup(curl);
    g_idle_add(on_done, sending);
    return NULL;
}

/* ------------------------------------------------------------------------ on the main thread */

/* Writer thread. */
static gboolean write_outcome(MnbDb *db, gpointer data, GError **error)
{
    const Sending *sending = data;
    gint64 now_us = g_get_real_time();
    switch (sending->outcome) {
    case SENT:
        return mnb_mail_sent(db, sending->mail->id, now_us, error);
    case REFUSED:
        return mnb_mail_failed(db, sending->mail->id, sending->code, sending->said, error);
    default:
        return mnb_mail_later(db, sending->mail->id, sending->code, sending->said, now_us, error);
    }
}

static void on_written(const GError *error, gpointer data, gpointer user_data)
{
    MnbMailer *mailer = user_data;
    mailer->current = NULL;
    if (error != NULL) {
        MNB_LOG_ERROR("what became of a mail is not written", "reason=\"%s\"", error->message);
        mailer->not_before_us = g_get_monotonic_time() + RELAY_PAUSE_US;
    } else if (!mailer->is_closed) {
        mnb_mailer_kick(mailer);
    }
    unref(mailer);
}

static void write_down(Sending *sending)
{
    MnbMailer *mailer = sending->mailer;
    mailer->refs++;
    mnb_catalog_write(mailer->catalog, write_outcome, sending, sending_free, on_written, mailer);
}

static gboolean on_done(gpointer data)
{
    Sending *sending = data;
    MnbMailer *mailer = sending->mailer;
    g_thread_join(g_steal_pointer(&mailer->thread));
    *(sending->outcome == SENT      ? &mailer->sent
      : sending->outcome == REFUSED ? &mailer->refused
                                    : &mailer->retried) += 1;
    if (sending->outcome != SENT)
        MNB_LOG_WARNING("a mail was not sent", "mail=%s code=%s again=%s", sending->mail->id,
                        sending->code, sending->outcome == LATER ? "yes" : "no");
    if (sending->outcome == LATER && strcmp(sending->code, "not-now") != 0)
        mailer->not_before_us = g_get_monotonic_time() + RELAY_PAUSE_US;
    write_down(sending);
    return G_SOURCE_REMOVE;
}

void mnb_mailer_kick(MnbMailer *mailer)
{
    g_autoptr(GError) error = NULL;
    if (mailer->current != NULL || g_get_monotonic_time() < mailer->not_before_us)
        return;
    MnbMail *mail = mnb_mail_find_due(mnb_catalog_reader(mailer->catalog),
                                      mnb_clock_wall_us(mailer->clock), &error);
    if (mail == NULL) {
        if (error != NULL)
            MNB_LOG_ERROR("waiting mails cannot be read", "reason=\"%s\"", error->message);
        return;
    }
    Sending *sending = g_new0(Sending, 1);
    sending->mailer = mailer;
    sending->mail = mail;
    mailer->current = sending;
    if (mail->is_revoked) {
        sending->outcome = REFUSED;
        sending->code = "link-revoked";
        mailer->refused++;
        write_down(sending);
        return;
    }
    mailer->thread = g_thread_new("mail", send_one, sending);
}

void mnb_mailer_write_metrics(MnbMailer *mailer, GString *text)
{
    g_string_append_printf(text,
                           "# TYPE manabi_mail_total counter\n"
                           "manabi_mail_total{outcome=\"sent\"} %" G_GUINT64_FORMAT "\n"
                           "manabi_mail_total{outcome=\"refused\"} %" G_GUINT64_FORMAT "\n"
                           "manabi_mail_total{outcome=\"retried\"} %" G_GUINT64_FORMAT "\n",
                           mailer->sent, mailer->refused, mailer->retried);
}
