#include "server/base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DOMAIN "manabi"

static gint highest_level = MNB_LOG_LEVEL_INFO;

/* Not G_LOG_LEVEL_WARNING and _CRITICAL: g_test makes GLib abort on those, and a failure that an
 * operator must act on is no programming error. Our writer goes by the priority. */
static const struct {
    const char *name;
    const char *priority; /* of syslog(3) */
    GLogLevelFlags flags;
} levels[] = {
    [MNB_LOG_LEVEL_ERROR] = {"error", "3", G_LOG_LEVEL_MESSAGE},
    [MNB_LOG_LEVEL_WARNING] = {"warning", "4", G_LOG_LEVEL_MESSAGE},
    [MNB_LOG_LEVEL_INFO] = {"info", "6", G_LOG_LEVEL_INFO},
    [MNB_LOG_LEVEL_DEBUG] = {"debug", "7", G_LOG_LEVEL_DEBUG},
};

static MnbLogLevel level_of(GLogLevelFlags flags, const char *priority)
{
    for (guint i = 0; priority != NULL && i < G_N_ELEMENTS(levels); i++) {
        if (strcmp(levels[i].priority, priority) == 0)
            return (MnbLogLevel)i;
    }
    if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
        return MNB_LOG_LEVEL_ERROR;
    if (flags & G_LOG_LEVEL_WARNING)
        return MNB_LOG_LEVEL_WARNING;
    if (flags & (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO))
        return MNB_LOG_LEVEL_INFO;
    return MNB_LOG_LEVEL_DEBUG;
}

static const char *find_field(const GLogField *fields, gsize n_fields, const char *key)
{
    for (gsize i = 0; i < n_fields; i++) {
        if (strcmp(fields[i].key, key) == 0 && fields[i].length < 0)
            return fields[i].value;
    }
    return NULL;
}

/* A log line is one line: what came from outside cannot start another. */
static void make_harmless(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
}

static GLogWriterOutput write_line(GLogLevelFlags flags, const GLogField *fields, gsize n_fields,
                                   gpointer user_data)
{
    MnbLogLevel level = level_of(flags, find_field(fields, n_fields, "PRIORITY"));
    const char *message = find_field(fields, n_fields, "MESSAGE");
    if ((int)level > g_atomic_int_get(&highest_level) || message == NULL)
        return G_LOG_WRITER_HANDLED;
    if (g_log_writer_is_journald(STDERR_FILENO) &&
        g_log_writer_journald(flags, fields, n_fields, user_data) == G_LOG_WRITER_HANDLED)
        return G_LOG_WRITER_HANDLED;
    const char *domain = find_field(fields, n_fields, "GLIB_DOMAIN");
    gint64 wall_us = g_get_real_time();
    g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(wall_us / G_USEC_PER_SEC);
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");
    char line[MNB_LOG_LINE_MAX];
    gboolean is_ours = domain == NULL || strcmp(domain, DOMAIN) == 0;
    g_snprintf(line, sizeof line - 1, "%s.%03dZ %s %s%s%s", time,
               (int)(wall_us % G_USEC_PER_SEC / 1000), levels[level].name, is_ours ? "" : domain,
               is_ours ? "" : ": ", message);
    make_harmless(line);
    strcat(line, "\n");
    /* One write, so that lines of several threads do not mix. A full or closed stderr must not stop
     * the server: the line is lost. */
    if (write(STDERR_FILENO, line, strlen(line)) < 0)
        return G_LOG_WRITER_UNHANDLED;
    return G_LOG_WRITER_HANDLED;
}

void mnb_log_start(void)
{
    g_log_set_writer_func(write_line, NULL, NULL);
}

void mnb_log_set_level(MnbLogLevel level)
{
    g_atomic_int_set(&highest_level, (int)level);
}

gboolean mnb_log_level_from_name(const char *name, MnbLogLevel *level_out)
{
    for (guint i = 0; i < G_N_ELEMENTS(levels); i++) {
        if (strcmp(levels[i].name, name) == 0) {
            *level_out = (MnbLogLevel)i;
            return TRUE;
        }
    }
    return FALSE;
}

void mnb_log(MnbLogLevel level, const char *message, const char *fields, ...)
{
    if ((int)level > g_atomic_int_get(&highest_level))
        return;
    char text[MNB_LOG_LINE_MAX];
    gsize length = g_strlcpy(text, message, sizeof text);
    if (length >= sizeof text)
        length = sizeof text - 1;
    va_list arguments;
    va_start(arguments, fields);
    g_vsnprintf(text + length, sizeof text - length, fields, arguments);
    va_end(arguments);
    g_strchomp(text);
    make_harmless(text);
    const GLogField entry[] = {
        {"MESSAGE", text, -1},
        {"PRIORITY", levels[level].priority, -1},
        {"GLIB_DOMAIN", DOMAIN, -1},
        {"SYSLOG_IDENTIFIER", DOMAIN, -1},
    };
    g_log_structured_array(levels[level].flags, entry, G_N_ELEMENTS(entry));
}
