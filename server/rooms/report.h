/* report.h - what is left of a session: attendance, chat, questions, polls, captions.
 *
 * Made from the session's log alone, by the same replay that makes a room, so it is complete after
 * any crash, and may be asked while the session runs. Reads the catalogue; main thread. */
#pragma once
#include "recordings/db.h"
#include <jansson.h>

typedef struct MnbReport MnbReport;

/* @time_zone: IANA name, of the times in the files; unknown ones count as UTC.
 * Returns (owned): NULL with @error. */
MnbReport *mnb_report_read(MnbDb *db, const char *session, const char *time_zone, GError **error);
void mnb_report_free(MnbReport *report); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbReport, mnb_report_free)

/* @name: "attendance.csv", "chat.csv", "questions.csv", "polls.csv", "captions-ja.vtt".
 * @type_out: (static) its content type. Returns (owned): NULL: there is no such file. */
char *mnb_report_file(const MnbReport *report, const char *name, const char **type_out);

/* people, chat, hands, questions, polls, captions of docs/protocol.md, 4.7. Returns (owned). */
json_t *mnb_report_json(const MnbReport *report);
/* Names of the files there are. Returns (owned): array of strings. */
json_t *mnb_report_files(const MnbReport *report);

/* One cell of a CSV file (RFC 4180): quoted where it has to be; what a spreadsheet would run as a
 * formula begins with an apostrophe. Appends to @out. */
void mnb_csv_cell(GString *out, const char *text);
