/* session-consent.h - who agreed to be recorded, as a session's log has it. For everything that is
 * made of a session: films, chat, captions, slides. The last answer counts; who was not asked has
 * not agreed; an encoder has, unless it says no (room-state.h). */
#pragma once
#include <jansson.h>

#include "recordings/session-log.h"

/* Notes the answer that an entry holds in @agreed, a set of peer ids (char *, owned). */
void mnb_session_note_consent(GHashTable *agreed, const MnbLogEntry *entry, const json_t *body);

/* @names_out (owned): object, id -> last name, of those who agreed. @forget_out (owned): ids of all
 * others who were there. Returns: FALSE with @error; nothing is set then. */
gboolean mnb_session_consent(MnbDb *db, const char *session, json_t **names_out,
                             json_t **forget_out, GError **error);
