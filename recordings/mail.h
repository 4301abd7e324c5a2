/* mail.h - invitations by mail: the table `mail`, which is also the queue of the relay.
 *
 *     waiting --sent--> sent          handed-out: there is no relay, whoever asked got the message
 *        |----failed for good, or for 3 days--> failed
 *        '----try again later (2 s, 4 s, ... 1 h)
 *
 * A message is sent at least once: a server that dies between the relay's yes and the row sends it
 * again, with the same Message-ID. It holds the link's token, so only who waits has one. */
#pragma once
#include "recordings/db.h"
#include <glib.h>

#define MNB_MAIL_NAME_MAX     100 /* characters */
#define MNB_MAIL_ADDRESS_MAX  254 /* bytes */
#define MNB_MAIL_OF_EVENT_MAX 2000

typedef enum {
    MNB_MAIL_WAITING,
    MNB_MAIL_SENT,
    MNB_MAIL_FAILED,
    MNB_MAIL_HANDED_OUT,
} MnbMailState;

const char *mnb_mail_state_to_string(MnbMailState state);

/* Texts are owned; never NULL after a read but message and reason. */
typedef struct {
    char *id;
    char *event;
    char *link;
    char *role; /* of the link; read only */
    char *name;
    char *address;
    char *language; /* en, ja */
    char *message;
    MnbMailState state;
    int attempts;
    char *reason_code;
    char *reason_detail;
    gint64 created_us;
    gint64 sent_us;      /* 0: not */
    gboolean is_revoked; /* the link; read only */
} MnbMail;

void mnb_mail_free(MnbMail *mail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbMail, mnb_mail_free)

/* local@domain of a mail address as the relay takes it: ASCII, RFC 5321 without quotes and without
 * address literals. Nothing in it can end a header or a command. */
gboolean mnb_mail_address_is_valid(const char *address);

/* Write. Fills id; waiting with a message, handed out without. Errors: MNB_ERROR_LIMIT when the
 * event has MNB_MAIL_OF_EVENT_MAX. */
gboolean mnb_mail_insert(MnbDb *db, MnbMail *mail, gint64 now_us, GError **error);
/* Newest first, without messages. Returns (owned). */
GPtrArray *mnb_mail_list(MnbDb *db, const char *event, GError **error);
/* Whom a link was made for. Returns (owned): NULL: nobody, or it cannot be read. */
char *mnb_mail_name_of_link(MnbDb *db, const char *link);
/* One that is due. NULL without @error: none. */
MnbMail *mnb_mail_find_due(MnbDb *db, gint64 now_us, GError **error);

/* Write. Only of those that wait. @code: refused, relay-down, ... */
gboolean mnb_mail_sent(MnbDb *db, const char *id, gint64 now_us, GError **error);
gboolean mnb_mail_failed(MnbDb *db, const char *id, const char *code, const char *detail,
                         GError **error);
/* Tries again later; fails for good when it has waited for 3 days. */
gboolean mnb_mail_later(MnbDb *db, const char *id, const char *code, const char *detail,
                        gint64 now_us, GError **error);
