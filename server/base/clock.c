#include "server/base/clock.h"

#include <string.h>

struct MnbClock {
    gboolean is_fake;
    gint64 now_us;
    gint64 wall_us;
};

MnbClock *mnb_clock_new(void)
{
    return g_new0(MnbClock, 1);
}

MnbClock *mnb_clock_new_fake(gint64 now_us, gint64 wall_us)
{
    MnbClock *clock = g_new0(MnbClock, 1);
    *clock = (MnbClock){TRUE, now_us, wall_us};
    return clock;
}

void mnb_clock_free(MnbClock *clock)
{
    g_free(clock);
}

gint64 mnb_clock_now_us(const MnbClock *clock)
{
    return clock != NULL && clock->is_fake ? clock->now_us : g_get_monotonic_time();
}

gint64 mnb_clock_wall_us(const MnbClock *clock)
{
    return clock != NULL && clock->is_fake ? clock->wall_us : g_get_real_time();
}

void mnb_clock_advance(MnbClock *clock, gint64 by_us)
{
    g_return_if_fail(clock != NULL && clock->is_fake);
    clock->now_us += by_us;
    clock->wall_us += by_us;
}

char *mnb_time_to_rfc3339(gint64 wall_us)
{
    gint64 seconds = wall_us / G_USEC_PER_SEC;
    if (wall_us % G_USEC_PER_SEC < 0)
        seconds--;
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
    return time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}

/* Exactly @digits decimal digits, moving *at behind them. Returns -1 if there are fewer. */
static int take_number(const char **at, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (!g_ascii_isdigit(**at))
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static gboolean take_char(const char **at, const char *allowed)
{
    if (**at == '\0' || strchr(allowed, **at) == NULL)
        return FALSE;
    (*at)++;
    return TRUE;
}

/* Digits behind the point; what is finer than a microsecond is dropped. */
static gboolean take_fraction(const char **at, gint64 *fraction_us)
{
    if (!g_ascii_isdigit(**at))
        return FALSE;
    gint64 unit_us = 100000;
    for (; g_ascii_isdigit(**at); (*at)++, unit_us /= 10)
        *fraction_us += (**at - '0') * unit_us;
    return TRUE;
}

static gboolean take_offset(const char **at, gint64 *offset_s)
{
    if (take_char(at, "Zz"))
        return TRUE;
    int sign = **at == '-' ? -1 : 1;
    if (!take_char(at, "+-"))
        return FALSE;
    int hours = take_number(at, 2);
    if (hours < 0 || hours > 23 || !take_char(at, ":"))
        return FALSE;
    int minutes = take_number(at, 2);
    if (minutes < 0 || minutes > 59)
        return FALSE;
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return TRUE;
}

gboolean mnb_time_from_rfc3339(const char *text, gint64 *wall_us_out)
{
    const char *at = text;
    gint64 fraction_us = 0;
    gint64 offset_s = 0;
    int year = take_number(&at, 4);
    if (year < 1 || !take_char(&at, "-"))
        return FALSE;
    int month = take_number(&at, 2);
    if (month < 1 || !take_char(&at, "-"))
        return FALSE;
    int day = take_number(&at, 2);
    if (day < 1 || !take_char(&at, "Tt "))
        return FALSE;
    int hour = take_number(&at, 2);
    if (hour < 0 || !take_char(&at, ":"))
        return FALSE;
    int minute = take_number(&at, 2);
    if (minute < 0 || !take_char(&at, ":"))
        return FALSE;
    int second = take_number(&at, 2);
    if (second < 0)
        return FALSE;
    if (take_char(&at, ".") && !take_fraction(&at, &fraction_us))
        return FALSE;
    if (!take_offset(&at, &offset_s) || *at != '\0')
        return FALSE;
    /* GLib knows no leap second: 23:59:60 is taken as the second before. */
    g_autoptr(GDateTime) time =
        g_date_time_new_utc(year, month, day, hour, minute, second == 60 ? 59 : second);
    if (time == NULL)
        return FALSE;
    *wall_us_out = (g_date_time_to_unix(time) - offset_s) * G_USEC_PER_SEC + fraction_us;
    return TRUE;
}
