/* clock.h - time, passed in so that a test can turn it.
 *
 * Two times: *now* is monotonic and only good for differences and timeouts; *wall* is microseconds
 * since 1970 UTC, for people and the catalogue, and may jump. A clock may be read from any thread;
 * a fake one is changed by one thread only. */
#pragma once
#include <glib.h>

typedef struct MnbClock MnbClock;

/* Returns (owned). */
MnbClock *mnb_clock_new(void);
/* Stands still until it is advanced. @now_us above 0. */
MnbClock *mnb_clock_new_fake(gint64 now_us, gint64 wall_us);
void mnb_clock_free(MnbClock *clock); /* NULL is fine */

/* @clock: NULL means the machine's own. */
gint64 mnb_clock_now_us(const MnbClock *clock);
gint64 mnb_clock_wall_us(const MnbClock *clock);

/* Fake clocks only: both times go on by @by_us. */
void mnb_clock_advance(MnbClock *clock, gint64 by_us);

/* "2026-11-24T05:00:00Z", rounded down to the second. Years 0001 to 9999. Returns (owned), or NULL
 * when @wall_us lies outside. */
char *mnb_time_to_rfc3339(gint64 wall_us);

/* RFC 3339 with any offset and an optional fraction (kept to the microsecond); the offset is
 * required. Returns FALSE, with *wall_us_out untouched, when @text is not one. */
gboolean mnb_time_from_rfc3339(const char *text, gint64 *wall_us_out);
