/* log.h - one line per thing that happened, with fields.
 *
 *     MNB_LOG_INFO("recording closed", "recording=%s bytes=%" PRIu64, id, bytes);
 *     MNB_LOG_WARNING("disk nearly full");
 *
 * error: somebody must act. warning: something was lost, the service goes on. info: life of a room,
 * peer, recording, worker. debug: for developers. A line never carries tokens, SDP, names of
 * participants, nor (at info and above) IP addresses. The message and the format are literals.
 * Lines go to journald when standard error is its stream, else to standard error with the time;
 * what GLib and libraries log takes the same way. Control characters are written as '?', lines are
 * cut at MNB_LOG_LINE_MAX. May be called from any thread. The media plane does not log. */
#pragma once
#include <glib.h>

#define MNB_LOG_LINE_MAX 2000 /* bytes */

typedef enum {
    MNB_LOG_LEVEL_ERROR,
    MNB_LOG_LEVEL_WARNING,
    MNB_LOG_LEVEL_INFO,
    MNB_LOG_LEVEL_DEBUG,
} MnbLogLevel;

#define MNB_LOG_ERROR(message, ...)   mnb_log(MNB_LOG_LEVEL_ERROR, message, " " __VA_ARGS__)
#define MNB_LOG_WARNING(message, ...) mnb_log(MNB_LOG_LEVEL_WARNING, message, " " __VA_ARGS__)
#define MNB_LOG_INFO(message, ...)    mnb_log(MNB_LOG_LEVEL_INFO, message, " " __VA_ARGS__)
#define MNB_LOG_DEBUG(message, ...)   mnb_log(MNB_LOG_LEVEL_DEBUG, message, " " __VA_ARGS__)

/* Once, first thing in main(): takes over GLib's log. Without it (in unit tests) lines go through
 * GLib's own writer. */
void mnb_log_start(void);

/* Lines above @level are not written. The default is info. */
void mnb_log_set_level(MnbLogLevel level);

/* "error", "warning", "info", "debug". Returns FALSE for anything else. */
gboolean mnb_log_level_from_name(const char *name, MnbLogLevel *level_out);

/* Behind the macros. @fields: starts with a space that is dropped when nothing follows. */
void mnb_log(MnbLogLevel level, const char *message, const char *fields, ...) G_GNUC_PRINTF(3, 4);
