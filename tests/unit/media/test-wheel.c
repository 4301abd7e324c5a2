#include "server/media/wheel.h"
#include <glib.h>

typedef struct {
    MnbWheel wheel;
    MnbTimer timers[4];
    unsigned fired[4];
    int64_t fired_us[4];
    MnbTimer *to_cancel, *to_arm;
    int64_t arm_us;
} State;

static State *state;

static void on_due(void *owner, int64_t now_us)
{
    unsigned i = GPOINTER_TO_UINT(owner);
    state->fired[i]++;
    state->fired_us[i] = now_us;
    if (state->to_cancel != NULL)
        mnb_timer_cancel(state->to_cancel);
    if (state->to_arm != NULL)
        mnb_wheel_arm(&state->wheel, state->to_arm, state->arm_us);
}

static void set_up(State *s, gconstpointer data)
{
    (void)data;
    state = s;
    mnb_wheel_init(&s->wheel, 5000000);
    for (unsigned i = 0; i < 4; i++) {
        s->timers[i].on_due = on_due;
        s->timers[i].owner = GUINT_TO_POINTER(i);
    }
}

static void test_on_time(State *s, gconstpointer data)
{
    (void)data;
    g_assert_cmpint(mnb_wheel_wait_ms(&s->wheel, 5000000), ==, -1);
    mnb_wheel_arm(&s->wheel, &s->timers[0], 5000000 + 10000);
    g_assert_cmpint(mnb_wheel_wait_ms(&s->wheel, 5000000), ==, 10);
    g_assert_cmpint(mnb_wheel_wait_ms(&s->wheel, 5004000), ==, 6);
    mnb_wheel_advance(&s->wheel, 5000000 + 9999);
    g_assert_cmpuint(s->fired[0], ==, 0);
    mnb_wheel_advance(&s->wheel, 5000000 + 10000);
    g_assert_cmpuint(s->fired[0], ==, 1);
    g_assert_false(mnb_timer_is_armed(&s->timers[0]));
    mnb_wheel_arm(&s->wheel, &s->timers[0], 1); /* long past: the next millisecond */
    mnb_wheel_advance(&s->wheel, 5000000 + 11000);
    g_assert_cmpuint(s->fired[0], ==, 2);
}

static void test_far(State *s, gconstpointer data)
{
    (void)data;
    int64_t due_us = 5000000 + 35 * 1000000;
    mnb_wheel_arm(&s->wheel, &s->timers[0], due_us);
    for (int64_t now_us = 5000000; now_us < due_us; now_us += 1000) {
        int wait_ms = mnb_wheel_wait_ms(&s->wheel, now_us);
        g_assert_cmpint(wait_ms, >=, 0);
        g_assert_cmpint(now_us + wait_ms * 1000, <=, due_us); /* never late */
        mnb_wheel_advance(&s->wheel, now_us);
    }
    g_assert_cmpuint(s->fired[0], ==, 0);
    mnb_wheel_advance(&s->wheel, due_us);
    g_assert_cmpuint(s->fired[0], ==, 1);
    /* a jump over many turns, as after a suspended machine */
    mnb_wheel_arm(&s->wheel, &s->timers[1], due_us + 777000);
    mnb_wheel_advance(&s->wheel, due_us + INT64_C(3600000000));
    g_assert_cmpuint(s->fired[1], ==, 1);
}

static void test_changes_inside(State *s, gconstpointer data)
{
    (void)data;
    for (unsigned i = 0; i < 3; i++)
        mnb_wheel_arm(&s->wheel, &s->timers[i], 5003000);
    s->to_cancel = &s->timers[1];
    s->to_arm = &s->timers[3];
    s->arm_us = 5003000 + MNB_WHEEL_SLOTS * 1000; /* the slot that is being walked */
    mnb_wheel_advance(&s->wheel, 5003000);
    g_assert_cmpuint(s->fired[0] + s->fired[2], ==, 2);
    g_assert_cmpuint(s->fired[1] + s->fired[3], ==, 0);
    s->to_cancel = s->to_arm = NULL;
    mnb_wheel_advance(&s->wheel, 5003000 + MNB_WHEEL_SLOTS * 1000);
    g_assert_cmpuint(s->fired[3], ==, 1);
    g_assert_cmpint(mnb_wheel_wait_ms(&s->wheel, 9000000), ==, -1);
}

static void test_moves(State *s, gconstpointer data)
{
    (void)data;
    mnb_wheel_arm(&s->wheel, &s->timers[0], 5003000);
    mnb_wheel_arm(&s->wheel, &s->timers[0], 5020000);
    mnb_wheel_advance(&s->wheel, 5010000);
    g_assert_cmpuint(s->fired[0], ==, 0);
    mnb_timer_cancel(&s->timers[0]);
    mnb_timer_cancel(&s->timers[0]);
    mnb_wheel_advance(&s->wheel, 5030000);
    g_assert_cmpuint(s->fired[0], ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/wheel/fires-on-the-millisecond", State, NULL, set_up, test_on_time, NULL);
    g_test_add("/wheel/holds-timers-further-away-than-a-turn", State, NULL, set_up, test_far, NULL);
    g_test_add("/wheel/lets-a-callback-arm-and-cancel", State, NULL, set_up, test_changes_inside,
               NULL);
    g_test_add("/wheel/moves-an-armed-timer", State, NULL, set_up, test_moves, NULL);
    return g_test_run();
}
