#include "pipelines/common/lines.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define EMIT_WAIT_MS 1000

struct MnbLineReader {
    GString *pending;
    gsize scanned;        /* bytes of pending known to hold no newline */
    gboolean is_skipping; /* inside a line that was too long */
};

MnbLineReader *mnb_line_reader_new(void)
{
    MnbLineReader *reader = g_new0(MnbLineReader, 1);
    reader->pending = g_string_new(NULL);
    return reader;
}

void mnb_line_reader_free(MnbLineReader *reader)
{
    if (reader == NULL)
        return;
    g_string_free(reader->pending, TRUE);
    g_free(reader);
}

void mnb_line_reader_feed(MnbLineReader *reader, const void *bytes, gsize size)
{
    g_string_append_len(reader->pending, bytes, (gssize)size);
}

/* Jansson has a depth limit of 2048 built in; a stack that deep is fine, a message that deep is
 * not. */
static gboolean is_too_deep(const char *line, gsize length)
{
    int depth = 0;
    gboolean in_string = FALSE;
    for (gsize i = 0; i < length; i++) {
        char c = line[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = FALSE;
        } else if (c == '"') {
            in_string = TRUE;
        } else if (c == '{' || c == '[') {
            if (++depth > MNB_LINE_DEPTH_MAX)
                return TRUE;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return FALSE;
}

json_t *mnb_line_parse(const char *line, gsize length, const char **reason_out)
{
    if (length >= MNB_LINE_MAX) {
        *reason_out = "line is longer than 64 KiB";
        return NULL;
    }
    if (is_too_deep(line, length)) {
        *reason_out = "line is nested too deeply";
        return NULL;
    }
    json_error_t error;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL) {
        *reason_out = "line is not JSON";
        return NULL;
    }
    if (!json_is_object(object)) {
        json_decref(object);
        *reason_out = "line is not a JSON object";
        return NULL;
    }
    return object;
}

static void drop_front(MnbLineReader *reader, gsize size)
{
    g_string_erase(reader->pending, 0, (gssize)size);
    reader->scanned = 0;
}

int mnb_line_reader_take(MnbLineReader *reader, json_t **object_out, const char **reason_out)
{
    for (;;) {
        GString *pending = reader->pending;
        const char *from = pending->str + reader->scanned;
        const char *newline = memchr(from, '\n', pending->len - reader->scanned);
        if (newline == NULL) {
            reader->scanned = pending->len;
            if (reader->is_skipping) {
                drop_front(reader, pending->len);
            } else if (pending->len >= MNB_LINE_MAX) {
                drop_front(reader, pending->len);
                reader->is_skipping = TRUE;
                *reason_out = "line is longer than 64 KiB";
                return -EBADMSG;
            }
            return 0;
        }
        gsize length = (gsize)(newline - pending->str);
        if (reader->is_skipping || length == 0) {
            reader->is_skipping = FALSE;
            drop_front(reader, length + 1);
            continue;
        }
        *object_out = mnb_line_parse(pending->str, length, reason_out);
        drop_front(reader, length + 1);
        return *object_out != NULL ? 1 : -EBADMSG;
    }
}

gboolean mnb_line_is_text(const char *text, gsize max_bytes)
{
    if (text == NULL || strlen(text) > max_bytes || !g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at))
        if (g_unichar_iscntrl(g_utf8_get_char(at)))
            return FALSE;
    return TRUE;
}

static void write_line(const char *line, gsize length)
{
    while (length > 0) {
        struct pollfd pipe = {.fd = STDOUT_FILENO, .events = POLLOUT};
        if (poll(&pipe, 1, EMIT_WAIT_MS) <= 0 || (pipe.revents & (POLLERR | POLLNVAL)) != 0)
            return;
        /* A pipe that is ready takes PIPE_BUF bytes without blocking. */
        ssize_t n = write(STDOUT_FILENO, line, MIN(length, 4096));
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return;
        if (n > 0) {
            line += n;
            length -= (gsize)n;
        }
    }
}

void mnb_lines_emit(json_t *event)
{
    static GMutex lock;
    char *text = event != NULL ? json_dumps(event, JSON_COMPACT) : NULL;
    json_decref(event);
    if (text == NULL) {
        g_printerr("an event could not be written as JSON\n");
        return;
    }
    gsize length = strlen(text);
    g_autofree char *line = g_malloc(length + 1);
    memcpy(line, text, length);
    line[length] = '\n';
    free(text);
    g_mutex_lock(&lock);
    write_line(line, length + 1);
    g_mutex_unlock(&lock);
}

void mnb_lines_warn(const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *reason = g_utf8_make_valid(text, -1);
    mnb_lines_emit(
        json_pack("{s:s, s:s, s:s}", "event", "warning", "code", code, "reason", reason));
}
