#include "server/media/nack.h"
#include <glib.h>

static void test_schedule(void)
{
    static MnbNack nack;
    uint16_t seqs[64];
    unsigned gave_up;
    int64_t now = 1000000;
    g_assert_cmpint(mnb_nack_due_us(&nack), ==, 0);
    g_assert_true(mnb_nack_add(&nack, 65535, 2, now));
    g_assert_cmpint(mnb_nack_due_us(&nack), ==, now + MNB_NACK_FIRST_US);
    g_assert_cmpuint(mnb_nack_take_due(&nack, now + 9999, seqs, 64, &gave_up), ==, 0);
    now += 10000;
    g_assert_cmpuint(mnb_nack_take_due(&nack, now, seqs, 64, &gave_up), ==, 2);
    g_assert_cmpuint(seqs[0], ==, 65535);
    g_assert_cmpuint(seqs[1], ==, 0);
    /* the answer tells the round trip */
    g_assert_true(mnb_nack_remove(&nack, 65535, now + 30000));
    g_assert_cmpuint(nack.rtt_us, ==, 30000);
    g_assert_false(mnb_nack_remove(&nack, 65535, now + 30000));
    /* the other one is asked for five times in all */
    for (unsigned tries = 1; tries < MNB_NACK_TRIES; tries++) {
        now = mnb_nack_due_us(&nack);
        g_assert_cmpuint(mnb_nack_take_due(&nack, now, seqs, 64, &gave_up), ==, 1);
        g_assert_cmpuint(gave_up, ==, 0);
    }
    now = mnb_nack_due_us(&nack);
    g_assert_cmpuint(mnb_nack_take_due(&nack, now, seqs, 64, &gave_up), ==, 0);
    g_assert_cmpuint(gave_up, ==, 1);
    g_assert_cmpuint(nack.n, ==, 0);
}

static void test_key_frame(void)
{
    static MnbNack nack;
    g_assert_true(mnb_nack_add(&nack, 65530, 20, 1));
    mnb_nack_drop_before(&nack, 3);
    g_assert_cmpuint(nack.n, ==, 11); /* 3 to 13 */
    for (unsigned i = 0; i < nack.n; i++)
        g_assert_cmpuint(nack.items[i].seq, <, 100);
}

static void test_bound(void)
{
    static MnbNack nack;
    g_assert_true(mnb_nack_add(&nack, 0, MNB_NACK_MISSING_MAX, 1));
    g_assert_false(mnb_nack_add(&nack, 1000, 1, 1));
    g_assert_cmpuint(nack.n, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nack/asks-after-10-ms-and-then-once-a-round-trip", test_schedule);
    g_test_add_func("/nack/forgets-what-a-key-frame-makes-needless", test_key_frame);
    g_test_add_func("/nack/gives-up-when-too-much-is-missing", test_bound);
    return g_test_run();
}
