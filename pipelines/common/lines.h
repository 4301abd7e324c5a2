/* lines.h - JSON lines: what a pipeline program and its manager say to each other.
 *
 * One JSON object a line, UTF-8, bounded in length and depth. Reading takes bytes as they come and
 * hands out whole objects; a line that is too long or no object is an error of that line only.
 * Writing goes to standard output from any thread, one whole line at a time. */
#pragma once
#include <glib.h>
#include <jansson.h>

#define MNB_LINE_MAX       65536 /* bytes, newline included */
#define MNB_LINE_DEPTH_MAX 16    /* nested objects and arrays */

typedef struct MnbLineReader MnbLineReader;

MnbLineReader *mnb_line_reader_new(void);
void mnb_line_reader_free(MnbLineReader *reader); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbLineReader, mnb_line_reader_free)

/* Adds @size bytes that were read. Take all lines before adding more. */
void mnb_line_reader_feed(MnbLineReader *reader, const void *bytes, gsize size);

/* The next whole line. Empty lines are skipped.
 * @object_out (owned): set when 1 is returned. @reason_out (static): why a line was refused.
 * Returns: 1 an object, 0 no whole line yet, -EBADMSG a line that is no acceptable object. */
int mnb_line_reader_take(MnbLineReader *reader, json_t **object_out, const char **reason_out);

/* Parses one line without its newline. Returns (owned): NULL with *@reason_out (static) set. */
json_t *mnb_line_parse(const char *line, gsize length, const char **reason_out);

/* Whether @text is UTF-8 without control characters, at most @max_bytes long. NULL is not. */
gboolean mnb_line_is_text(const char *text, gsize max_bytes);

/* Prints @event (owned, taken) as one line on standard output. From any thread. A reader that does
 * not read for 1 s loses the line, so that no recording ever waits for its manager. */
void mnb_lines_emit(json_t *event);

/* {"event":"warning","code":@code,"reason":...} */
void mnb_lines_warn(const char *code, const char *format, ...) G_GNUC_PRINTF(2, 3);
