#include "server/media/wheel.h"

#include <string.h>

#define SLOT_OF(ms) ((unsigned)((uint64_t)(ms) & (MNB_WHEEL_SLOTS - 1)))

void mnb_wheel_init(MnbWheel *wheel, int64_t now_us)
{
    memset(wheel, 0, sizeof *wheel);
    wheel->now_ms = now_us / 1000;
}

static void link_timer(MnbTimer **head, MnbTimer *timer)
{
    timer->next = *head;
    timer->back = head;
    if (timer->next != NULL)
        timer->next->back = &timer->next;
    *head = timer;
}

void mnb_timer_cancel(MnbTimer *timer)
{
    if (timer->back == NULL)
        return;
    *timer->back = timer->next;
    if (timer->next != NULL)
        timer->next->back = timer->back;
    timer->next = NULL;
    timer->back = NULL;
}

void mnb_wheel_arm(MnbWheel *wheel, MnbTimer *timer, int64_t due_us)
{
    mnb_timer_cancel(timer);
    int64_t due_ms = (due_us + 999) / 1000;
    if (due_ms <= wheel->now_ms)
        due_ms = wheel->now_ms + 1;
    timer->due_ms = due_ms;
    unsigned slot = SLOT_OF(due_ms);
    link_timer(&wheel->slots[slot], timer);
    wheel->used[slot / 64] |= 1ull << (slot % 64);
}

/* The list is taken out of its slot first: a callback that arms a timer for the same slot must not
 * be visited in this walk. Cancelling works, since every timer knows what points at it. */
static void fire_slot(MnbWheel *wheel, unsigned slot, int64_t until_ms, int64_t now_us)
{
    MnbTimer *walk = wheel->slots[slot];
    if (walk == NULL) {
        wheel->used[slot / 64] &= ~(1ull << (slot % 64));
        return;
    }
    wheel->slots[slot] = NULL;
    walk->back = &walk;
    while (walk != NULL) {
        MnbTimer *timer = walk;
        int64_t due_ms = timer->due_ms;
        mnb_timer_cancel(timer);
        if (due_ms <= until_ms) {
            timer->on_due(timer->owner, now_us);
        } else {
            timer->due_ms = due_ms;
            link_timer(&wheel->slots[slot], timer);
        }
    }
    if (wheel->slots[slot] == NULL)
        wheel->used[slot / 64] &= ~(1ull << (slot % 64));
}

void mnb_wheel_advance(MnbWheel *wheel, int64_t now_us)
{
    int64_t until_ms = now_us / 1000;
    if (until_ms - wheel->now_ms > MNB_WHEEL_SLOTS)
        wheel->now_ms = until_ms - MNB_WHEEL_SLOTS; /* each slot once is enough: due is compared */
    while (wheel->now_ms < until_ms) {
        wheel->now_ms++;
        unsigned slot = SLOT_OF(wheel->now_ms);
        if ((wheel->used[slot / 64] & (1ull << (slot % 64))) != 0)
            fire_slot(wheel, slot, until_ms, now_us);
    }
}

int mnb_wheel_wait_ms(const MnbWheel *wheel, int64_t now_us)
{
    int64_t late_ms = now_us / 1000 - wheel->now_ms;
    for (unsigned step = 1; step <= MNB_WHEEL_SLOTS; step++) {
        unsigned slot = SLOT_OF(wheel->now_ms + step);
        uint64_t word = wheel->used[slot / 64] >> (slot % 64);
        if (word == 0) {
            step += 63 - slot % 64;
            continue;
        }
        step += (unsigned)__builtin_ctzll(word);
        int64_t wait_ms = (int64_t)step - late_ms;
        if (wait_ms > MNB_WHEEL_SLOTS)
            wait_ms = MNB_WHEEL_SLOTS;
        return wait_ms < 0 ? 0 : (int)wait_ms;
    }
    return -1;
}
