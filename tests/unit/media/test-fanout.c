/* The plan of padding, and the memory of packets. */
#include "server/media/fanout.h"
#include <glib.h>

static void check_plan(unsigned n, const uint16_t *sizes, const uint8_t *expected)
{
    MnbPacket packets[16];
    MnbPacket *list[16];
    uint8_t padding[16];
    for (unsigned i = 0; i < n; i++) {
        packets[i].size = sizes[i];
        list[i] = &packets[i];
    }
    mnb_fanout_plan(list, n, padding);
    for (unsigned i = 0; i < n; i++)
        g_assert_cmpuint(padding[i], ==, expected[i]);
}

#define PLAN(n, ...) check_plan(n, (const uint16_t[]){__VA_ARGS__}, (const uint8_t[])

static void test_plan(void)
{
    /* as Chromium cuts a frame: small ones first */
    PLAN(5, 1097, 1097, 1098, 1098, 1098){1, 1, 0, 0, 0});
    /* one alone is left as it is; a short last one needs no padding */
    PLAN(1, 500){0});
    PLAN(3, 1100, 1100, 300){0, 0, 0});
    PLAN(3, 1098, 1100, 300){2, 0, 0});
    PLAN(2, 1095, 1100){5, 0});
    /* too far apart: two messages */
    PLAN(2, 300, 1100){0, 0});
    PLAN(4, 300, 300, 1100, 1100){0, 0, 0, 0});
    /* a message has eight packets at most */
    PLAN(10, 100, 101, 101, 101, 101, 101, 101, 101, 102, 103){1, 0, 0, 0, 0, 0, 0, 0, 1, 0});
}

static void test_slab(void)
{
    MnbSlab slab = {0};
    mnb_slab_clear(&slab);
    g_assert_cmpint(mnb_slab_init(&slab, MNB_PACKET_PIECE_LARGE, 10 * MNB_PACKET_PIECE_LARGE), ==,
                    0);
    g_assert_cmpuint(mnb_slab_room(&slab), >=, 1500);
    MnbPacket *packets[10];
    for (unsigned i = 0; i < 10; i++) {
        packets[i] = mnb_slab_take(&slab);
        g_assert_nonnull(packets[i]);
        mnb_packet_payload(packets[i])[mnb_slab_room(&slab) - 1] = (uint8_t)i;
    }
    g_assert_null(mnb_slab_take(&slab));
    for (unsigned i = 0; i < 10; i++)
        g_assert_cmpuint(mnb_packet_payload(packets[i])[mnb_slab_room(&slab) - 1], ==, i);
    mnb_slab_give(&slab, packets[3]);
    mnb_slab_give(&slab, NULL);
    g_assert_true(mnb_slab_take(&slab) == packets[3]);
    g_assert_cmpuint(slab.in_use, ==, 10);
    mnb_slab_clear(&slab);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fanout/pads-packets-to-equal-sizes-where-that-is-cheap", test_plan);
    g_test_add_func("/packet-slab/hands-out-what-came-back-last", test_slab);
    return g_test_run();
}
