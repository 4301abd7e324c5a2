#include "recordings/mail.h"
#include "recordings/fields.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include <string.h>

#define PATIENCE_US  (G_GINT64_CONSTANT(3) * 86400 * G_USEC_PER_SEC)
#define WAIT_MAX_S   3600
#define DETAIL_MAX   300 /* bytes of what a relay said */
#define LOCAL_MAX    64
#define DOMAIN_LABEL 63

static const char *const state_names[] = {"waiting", "sent", "failed", "handed-out"};

const char *mnb_mail_state_to_string(MnbMailState state)
{
    return (guint)state < G_N_ELEMENTS(state_names) ? state_names[state] : NULL;
}

void mnb_mail_free(MnbMail *mail)
{
    if (mail == NULL)
        return;
    g_free(mail->id);
    g_free(mail->event);
    g_free(mail->link);
    g_free(mail->role);
    g_free(mail->name);
    g_free(mail->address);
    g_free(mail->language);
    g_free(mail->message);
    g_free(mail->reason_code);
    g_free(mail->reason_detail);
    g_free(mail);
}

static void free_mail(gpointer data)
{
    mnb_mail_free(data);
}

static gboolean is_local(const char *text, gsize len)
{
    if (len == 0 || len > LOCAL_MAX || text[0] == '.' || text[len - 1] == '.')
        return FALSE;
    for (gsize i = 0; i < len; i++)
        if (!g_ascii_isalnum(text[i]) && strchr("!#$%&'*+-/=?^_`{|}~.", text[i]) == NULL)
            return FALSE;
    return strstr(text, "..") == NULL;
}

static gboolean is_domain(const char *text)
{
    g_auto(GStrv) labels = g_strsplit(text, ".", -1);
    for (guint i = 0; labels[i] != NULL; i++) {
        gsize len = strlen(labels[i]);
        if (len == 0 || len > DOMAIN_LABEL || labels[i][0] == '-' || labels[i][len - 1] == '-')
            return FALSE;
        for (gsize c = 0; c < len; c++)
            if (!g_ascii_isalnum(labels[i][c]) && labels[i][c] != '-')
                return FALSE;
    }
    return g_strv_length(labels) >= 2;
}

gboolean mnb_mail_address_is_valid(const char *address)
{
    const char *at = strrchr(address, '@');
    return at != NULL && strlen(address) <= MNB_MAIL_ADDRESS_MAX &&
           is_local(address, (gsize)(at - address)) && is_domain(at + 1);
}

static gboolean has_room(MnbDb *db, const char *event, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT count(*) FROM mail WHERE event = ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, event);
    if (mnb_stmt_step(stmt, error) < 0)
        return FALSE;
    if (mnb_stmt_int(stmt, 0) < MNB_MAIL_OF_EVENT_MAX)
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_LIMIT, "an event has at most %d invitations by mail",
                MNB_MAIL_OF_EVENT_MAX);
    return FALSE;
}

gboolean mnb_mail_insert(MnbDb *db, MnbMail *mail, gint64 now_us, GError **error)
{
    if (!has_room(db, mail->event, error))
        return FALSE;
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "INSERT INTO mail(id, event, link, name, address, language, message, state, next_us,"
        " created_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
        error);
    if (stmt == NULL)
        return FALSE;
    if (mail->id == NULL)
        mail->id = mnb_id_new();
    mail->state = mail->message != NULL ? MNB_MAIL_WAITING : MNB_MAIL_HANDED_OUT;
    mail->created_us = now_us;
    mnb_stmt_bind_text(stmt, 1, mail->id);
    mnb_stmt_bind_text(stmt, 2, mail->event);
    mnb_stmt_bind_text(stmt, 3, mail->link);
    mnb_stmt_bind_text(stmt, 4, mail->name);
    mnb_stmt_bind_text(stmt, 5, mail->address);
    mnb_stmt_bind_text(stmt, 6, mail->language);
    mnb_stmt_bind_text(stmt, 7, mail->message);
    mnb_stmt_bind_text(stmt, 8, state_names[mail->state]);
    mnb_stmt_bind_int(stmt, 9, now_us);
    return mnb_stmt_run(stmt, error);
}

#define COLUMNS                                                                                    \
    "mail.id, mail.event, mail.link, link.role, mail.name, mail.address, mail.language,"           \
    " mail.state, mail.attempts, mail.reason_code, mail.reason_detail, mail.created_us,"           \
    " mail.sent_us, link.revoked_us IS NOT NULL"

static MnbMail *read_row(MnbStmt *stmt)
{
    MnbMail *mail = g_new0(MnbMail, 1);
    mail->id = mnb_stmt_dup_text(stmt, 0);
    mail->event = mnb_stmt_dup_text(stmt, 1);
    mail->link = mnb_stmt_dup_text(stmt, 2);
    mail->role = mnb_stmt_dup_text(stmt, 3);
    mail->name = mnb_stmt_dup_text(stmt, 4);
    mail->address = mnb_stmt_dup_text(stmt, 5);
    mail->language = mnb_stmt_dup_text(stmt, 6);
    mail->state = (MnbMailState)mnb_name_index(state_names, G_N_ELEMENTS(state_names),
                                               mnb_stmt_text(stmt, 7));
    mail->attempts = (int)mnb_stmt_int(stmt, 8);
    mail->reason_code = mnb_stmt_dup_text(stmt, 9);
    mail->reason_detail = mnb_stmt_dup_text(stmt, 10);
    mail->created_us = mnb_stmt_int(stmt, 11);
    mail->sent_us = mnb_stmt_int(stmt, 12);
    mail->is_revoked = mnb_stmt_int(stmt, 13) != 0;
    return mail;
}

GPtrArray *mnb_mail_list(MnbDb *db, const char *event, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT " COLUMNS " FROM mail JOIN link ON link.id = mail.link"
                       " WHERE mail.event = ?1 ORDER BY mail.created_us DESC, mail.rowid DESC",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, event);
    g_autoptr(GPtrArray) mails = g_ptr_array_new_with_free_func(free_mail);
    int result;
    while ((result = mnb_stmt_step(stmt, error)) > 0)
        g_ptr_array_add(mails, read_row(stmt));
    return result == 0 ? g_steal_pointer(&mails) : NULL;
}

char *mnb_mail_name_of_link(MnbDb *db, const char *link)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(db, "SELECT name FROM mail WHERE link = ?1", NULL);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_text(stmt, 1, link);
    return mnb_stmt_step(stmt, NULL) > 0 ? mnb_stmt_dup_text(stmt, 0) : NULL;
}

MnbMail *mnb_mail_find_due(MnbDb *db, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "SELECT " COLUMNS ", mail.message FROM mail JOIN link ON link.id = mail.link"
                       " WHERE mail.state = 'waiting' AND mail.next_us <= ?1"
                       " ORDER BY mail.next_us, mail.rowid LIMIT 1",
                       error);
    if (stmt == NULL)
        return NULL;
    mnb_stmt_bind_int(stmt, 1, now_us);
    if (mnb_stmt_step(stmt, error) <= 0)
        return NULL;
    MnbMail *mail = read_row(stmt);
    mail->message = mnb_stmt_dup_text(stmt, 14);
    return mail;
}

gboolean mnb_mail_sent(MnbDb *db, const char *id, gint64 now_us, GError **error)
{
    g_autoptr(MnbStmt) stmt = mnb_db_prepare(
        db,
        "UPDATE mail SET state = 'sent', message = NULL, sent_us = ?2, attempts = attempts + 1,"
        " reason_code = NULL, reason_detail = NULL WHERE id = ?1 AND state = 'waiting'",
        error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_int(stmt, 2, now_us);
    return mnb_stmt_run(stmt, error);
}

gboolean mnb_mail_failed(MnbDb *db, const char *id, const char *code, const char *detail,
                         GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "UPDATE mail SET state = 'failed', message = NULL, attempts = attempts + 1,"
                       " reason_code = ?2, reason_detail = ?3 WHERE id = ?1 AND state = 'waiting'",
                       error);
    if (stmt == NULL)
        return FALSE;
    g_autofree char *said = g_utf8_make_valid(detail, (gssize)strnlen(detail, DETAIL_MAX));
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_text(stmt, 2, code);
    mnb_stmt_bind_text(stmt, 3, said);
    return mnb_stmt_run(stmt, error);
}

static gboolean read_waiting(MnbDb *db, const char *id, gint64 *created_us, int *attempts,
                             GError **error)
{
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db, "SELECT created_us, attempts FROM mail WHERE id = ?1", error);
    if (stmt == NULL)
        return FALSE;
    mnb_stmt_bind_text(stmt, 1, id);
    if (mnb_stmt_step(stmt, error) <= 0)
        return FALSE;
    *created_us = mnb_stmt_int(stmt, 0);
    *attempts = (int)mnb_stmt_int(stmt, 1);
    return TRUE;
}

gboolean mnb_mail_later(MnbDb *db, const char *id, const char *code, const char *detail,
                        gint64 now_us, GError **error)
{
    gint64 created_us = 0;
    int attempts = 0;
    if (!read_waiting(db, id, &created_us, &attempts, error))
        return error == NULL || *error == NULL; /* its event was removed */
    if (now_us - created_us > PATIENCE_US)
        return mnb_mail_failed(db, id, code, detail, error);
    g_autoptr(MnbStmt) stmt =
        mnb_db_prepare(db,
                       "UPDATE mail SET attempts = attempts + 1, next_us = ?2, reason_code = ?3,"
                       " reason_detail = ?4 WHERE id = ?1 AND state = 'waiting'",
                       error);
    if (stmt == NULL)
        return FALSE;
    gint64 wait_s = MIN(G_GINT64_CONSTANT(2) << MIN(attempts, 20), WAIT_MAX_S);
    g_autofree char *said = g_utf8_make_valid(detail, (gssize)strnlen(detail, DETAIL_MAX));
    mnb_stmt_bind_text(stmt, 1, id);
    mnb_stmt_bind_int(stmt, 2, now_us + wait_s * G_USEC_PER_SEC);
    mnb_stmt_bind_text(stmt, 3, code);
    mnb_stmt_bind_text(stmt, 4, said);
    return mnb_stmt_run(stmt, error);
}
