/* mailer.h - sends what waits in the table `mail` through the relay of the configuration (SMTP, by
 * libcurl), one after the other on a thread of its own. A request never waits for it.
 *
 * What the relay refuses for good (5xx) fails with its words; everything else is tried again
 * (mail.h). A relay that is down is left alone for some seconds, whatever waits. Main thread. */
#pragma once
#include "recordings/catalog.h"
#include "server/base/clock.h"

typedef struct MnbMailer MnbMailer;

typedef struct {
    MnbCatalog *catalog;   /* borrowed */
    const MnbClock *clock; /* borrowed */
    const char *relay;     /* smtp://HOST:PORT or smtps://HOST:PORT */
    const char *from;      /* "Name <address>" */
    const char *user;      /* "": the relay asks for none */
    const char *password_file;
    gboolean needs_tls; /* no mail in clear: STARTTLS must work, certificates must fit */
} MnbMailerOptions;

/* Returns (owned): NULL with MNB_ERROR_INVALID (relay, from) or MNB_ERROR_NOT_FOUND (the password
 * file cannot be read). */
MnbMailer *mnb_mailer_new(const MnbMailerOptions *options, GError **error);
/* Cuts what is being sent: it is sent again at the next start. NULL is fine. */
void mnb_mailer_free(MnbMailer *mailer);

const char *mnb_mailer_from(const MnbMailer *mailer); /* borrowed */
/* Something was queued. */
void mnb_mailer_kick(MnbMailer *mailer);
void mnb_mailer_write_metrics(MnbMailer *mailer, GString *text);
