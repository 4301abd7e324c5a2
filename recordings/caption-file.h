/* caption-file.h - reads files of captions: WebVTT and SubRip (SRT), in any encoding that an office
 * writes. Pure; any thread.
 *
 * Forgiving where players are: comma or point, hours or none, blanks around, no numbers, missing
 * header. What is wrong is named by its line. A cue's text stays as it is: formatting of the two
 * formats (<i>, <c.yellow>, <font ...>, <00:01.000>) is taken off, the name of <v Name> becomes
 * the speaker's, and everything else that looks like a tag is text, to be shown as such. */
#pragma once
#include <glib.h>

#include "recordings/film-edit.h"
#include "recordings/moment.h"

#define MNB_CAPTION_FILE_MAX  (4 * 1024 * 1024) /* bytes */
#define MNB_CAPTION_NOTES_MAX 100               /* more are counted, not listed */

typedef struct {
    guint line;       /* from 1 */
    const char *code; /* static; see below */
} MnbCaptionNote;

/* Codes of notes. Wrong, and the file is not taken: "bad-time" (a time cannot be read),
 * "ends-before-it-begins", "too-long" (more than MNB_MOMENT_TEXT_MAX characters). To look at:
 * "no-time" (text that belongs to no time: left out), "no-text" (a time without text: left out),
 * "not-in-order", "overlap", "past-the-end". */

typedef struct {
    GPtrArray *cues;      /* MnbMoment, in order of time; language is "" */
    GArray *notes;        /* MnbCaptionNote, in order of lines */
    guint n_notes;        /* all of them */
    const char *format;   /* "webvtt", "srt" */
    const char *encoding; /* as text-encoding.h has it; NULL: none fits */
    const char *problem;  /* NULL: it can be taken. "too-large", "not-text", "not-captions" (no
                             time in it), "bad-times" (see notes), "too-many" cues */
} MnbCaptionFile;

/* @length_us: of the film that the times are of; 0: not known. Returns (owned): never NULL. */
MnbCaptionFile *mnb_caption_file_read(const void *bytes, gsize len, gint64 length_us);
void mnb_caption_file_free(MnbCaptionFile *file); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbCaptionFile, mnb_caption_file_free)

/* WebVTT of @moments. @edit: their times are made those of the film, and what was cut is left out;
 * NULL: times as they are. Text is escaped, lines are kept. Returns (owned). */
char *mnb_caption_file_write(GPtrArray *moments, const MnbFilmEdit *edit);

/* One cue of WebVTT. @to_ms is moved behind @from_ms where it is not. @who: "" or NULL: nobody. */
void mnb_caption_append_cue(GString *text, gint64 from_ms, gint64 to_ms, const char *who,
                            const char *words);
