/* wheel.h - the timers of one media worker: a hashed wheel of 1024 slots of one millisecond.
 * Timers lie inside their owners, so arming one allocates nothing. A timer further away than one
 * turn is looked at once a turn. One thread; never reads a clock. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define MNB_WHEEL_SLOTS 1024 /* a power of two */

typedef struct MnbTimer MnbTimer;
struct MnbTimer {
    MnbTimer *next;
    MnbTimer **back; /* what points at this timer; NULL when not armed */
    int64_t due_ms;
    void (*on_due)(void *owner, int64_t now_us);
    void *owner; /* borrowed */
};

typedef struct {
    MnbTimer *slots[MNB_WHEEL_SLOTS];
    uint64_t used[MNB_WHEEL_SLOTS / 64]; /* a bit per slot that may hold a timer */
    int64_t now_ms;
} MnbWheel;

void mnb_wheel_init(MnbWheel *wheel, int64_t now_us);

/* Arms @timer, or moves it if it is armed. @due_us: CLOCK_MONOTONIC of the worker; a moment that
 * has passed fires on the next advance. */
void mnb_wheel_arm(MnbWheel *wheel, MnbTimer *timer, int64_t due_us);

/* A timer that is not armed is fine. A zeroed timer is not armed. */
void mnb_timer_cancel(MnbTimer *timer);

static inline bool mnb_timer_is_armed(const MnbTimer *timer)
{
    return timer->back != 0;
}

/* Fires every timer that is due at @now_us. A callback may arm and cancel any timer, its own too.
 */
void mnb_wheel_advance(MnbWheel *wheel, int64_t now_us);

/* Returns: milliseconds until advance() may have something to do, 0 to MNB_WHEEL_SLOTS; -1 when no
 * timer is armed. May be early, is never late. */
int mnb_wheel_wait_ms(const MnbWheel *wheel, int64_t now_us);
