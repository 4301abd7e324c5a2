/* compose.h - one mail as RFC 5322 and MIME, by GMime: a text, and a calendar file beside it.
 *
 * Names and subject in any script are encoded (RFC 2047); what holds a line break, or is no
 * address, is refused, so nothing that somebody typed becomes a header. Any thread, after
 * mnb_compose_init(). */
#pragma once
#include <glib.h>

typedef struct {
    const char *from;    /* "Name <address>" or an address */
    const char *to_name; /* may be empty */
    const char *to_address;
    const char *subject;
    const char *text;     /* UTF-8, lines ended by \n */
    const char *calendar; /* iCalendar; NULL: none */
    const char *language; /* BCP 47 */
    const char *id;       /* left part of the Message-ID */
    gint64 at_us;         /* wall clock */
} MnbCompose;

/* Once, in the main thread. */
void mnb_compose_init(void);

/* The address of "Name <address>". Returns (owned): NULL when it is not exactly one. */
char *mnb_compose_address_of(const char *from);

/* Returns (owned): the message with CRLF. MNB_ERROR_INVALID: from or to is no address, or a header
 * holds a line break. */
char *mnb_compose(const MnbCompose *what, GError **error);
