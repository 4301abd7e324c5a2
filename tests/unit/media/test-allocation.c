#include "server/media/allocation.h"
#include <glib.h>

#define SOUND(r, cost)                                                                             \
    {                                                                                              \
        .rank = r, .n_layers = 1, .bps = {cost}, .layer = MNB_LAYER_PAUSED                         \
    }
#define PICTURE(r, shown, ...)                                                                     \
    {                                                                                              \
        .is_video = true, .rank = r, .n_layers = 3, .bps = {__VA_ARGS__}, .layer = shown           \
    }

enum { KBIT = 1000 };

static MnbAllocationSum allocate(MnbAllocation *items, size_t n, uint32_t bps, bool may_raise)
{
    return mnb_allocate(items, n, bps, bps, may_raise);
}

static void test_order(void)
{
    MnbAllocation items[] = {
        PICTURE(2, -1, 150 * KBIT, 500 * KBIT, 1500 * KBIT),
        PICTURE(1, -1, 150 * KBIT, 500 * KBIT, 1500 * KBIT),
        SOUND(1, 40 * KBIT),
        SOUND(0, 40 * KBIT),
        PICTURE(0, -1, 300 * KBIT, 0, 0),
    };
    /* nothing but the first sound */
    MnbAllocationSum sum = allocate(items, 5, 20 * KBIT, true);
    g_assert_cmpint(items[3].layer, ==, 0);
    g_assert_cmpint(items[2].layer, ==, MNB_LAYER_PAUSED);
    g_assert_true(items[2].is_paused_by_line);
    g_assert_cmpuint(sum.used_bps, ==, 40 * KBIT);
    g_assert_cmpuint(sum.wanted_bps, ==, 3380 * KBIT);
    /* both sounds, the screen; a face does not fit */
    allocate(items, 5, 500 * KBIT, true);
    g_assert_cmpint(items[2].layer, ==, 0);
    g_assert_cmpint(items[4].layer, ==, 0);
    g_assert_false(items[4].is_paused_by_line);
    g_assert_cmpint(items[1].layer, ==, MNB_LAYER_PAUSED);
    /* all, and the better of the first face rather than of the second */
    allocate(items, 5, 1200 * KBIT, true);
    g_assert_cmpint(items[1].layer, ==, 1);
    g_assert_cmpint(items[0].layer, ==, 0);
    g_assert_true(items[0].is_paused_by_line);
    allocate(items, 5, MNB_BUDGET_UNLIMITED, false);
    g_assert_cmpint(items[1].layer, ==, 2);
    g_assert_cmpint(items[0].layer, ==, 2);
}

static void test_stays(void)
{
    MnbAllocation item = PICTURE(0, 1, 150 * KBIT, 500 * KBIT, 1500 * KBIT);
    allocate(&item, 1, 500 * KBIT, false); /* just fits: stays */
    g_assert_cmpint(item.layer, ==, 1);
    allocate(&item, 1, 499 * KBIT, false);
    g_assert_cmpint(item.layer, ==, 0);
    allocate(&item, 1, 560 * KBIT, true); /* would fit, but without room to spare */
    g_assert_cmpint(item.layer, ==, 0);
    allocate(&item, 1, 2000 * KBIT, false); /* too soon */
    g_assert_cmpint(item.layer, ==, 0);
    allocate(&item, 1, 2000 * KBIT, true);
    g_assert_cmpint(item.layer, ==, 2);
    allocate(&item, 1, 100 * KBIT, true);
    g_assert_cmpint(item.layer, ==, MNB_LAYER_PAUSED);
    allocate(&item, 1, 160 * KBIT, false);
    g_assert_cmpint(item.layer, ==, MNB_LAYER_PAUSED);
}

/* What is shown may stay beyond what a raise would need. */
static void test_two_budgets(void)
{
    MnbAllocation item = PICTURE(0, 1, 150 * KBIT, 500 * KBIT, 600 * KBIT);
    mnb_allocate(&item, 1, 550 * KBIT, 450 * KBIT, true);
    g_assert_cmpint(item.layer, ==, 1);
    item.layer = 0;
    mnb_allocate(&item, 1, 550 * KBIT, 450 * KBIT, true);
    g_assert_cmpint(item.layer, ==, 0);
}

static void test_missing_layers(void)
{
    MnbAllocation item = PICTURE(0, -1, 0, 500 * KBIT, 0);
    allocate(&item, 1, 2000 * KBIT, true);
    g_assert_cmpint(item.layer, ==, 1);
    g_assert_false(item.is_paused_by_line);
    item.bps[1] = 0; /* its last layer stops */
    MnbAllocationSum sum = allocate(&item, 1, 2000 * KBIT, true);
    g_assert_cmpint(item.layer, ==, MNB_LAYER_PAUSED);
    g_assert_cmpuint(sum.wanted_bps, ==, 0);
    g_assert_false(item.is_paused_by_line);
}

/* Whatever comes: within the budget but for the first sound, and pictures in full order. */
static void test_any(void)
{
    GRand *random = g_rand_new_with_seed(11);
    for (unsigned round = 0; round < 20000; round++) {
        MnbAllocation items[MNB_ALLOCATION_MAX] = {0};
        size_t n = (size_t)g_rand_int_range(random, 0, MNB_ALLOCATION_MAX + 1);
        for (size_t i = 0; i < n; i++) {
            items[i].is_video = g_rand_boolean(random);
            items[i].rank = (uint8_t)g_rand_int_range(random, 0, 8);
            items[i].n_layers = (uint8_t)g_rand_int_range(random, 0, MNB_LAYERS_MAX + 1);
            items[i].layer = (int8_t)g_rand_int_range(random, -1, MNB_LAYERS_MAX);
            if (items[i].layer >= items[i].n_layers)
                items[i].layer = MNB_LAYER_PAUSED;
            for (unsigned l = 0; l < items[i].n_layers; l++)
                items[i].bps[l] =
                    g_rand_int_range(random, 0, 4) == 0 ? 0 : g_rand_int(random) >> 12;
        }
        uint32_t budget = g_rand_int(random) >> g_rand_int_range(random, 6, 20);
        MnbAllocationSum sum = allocate(items, n, budget, g_rand_boolean(random));
        uint64_t used = 0;
        for (size_t i = 0; i < n; i++)
            if (items[i].layer >= 0)
                used += items[i].bps[items[i].layer];
        g_assert_cmpuint(used, ==, sum.used_bps);
        g_assert_true(used <= budget || used < 1u << 20);
    }
    g_rand_free(random);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/allocation/sound-then-screen-then-one-face-then-the-rest", test_order);
    g_test_add_func("/allocation/raises-only-with-room-to-spare-and-quiet", test_stays);
    g_test_add_func("/allocation/what-is-shown-stays-with-less-than-a-raise-needs",
                    test_two_budgets);
    g_test_add_func("/allocation/passes-over-layers-that-do-not-flow", test_missing_layers);
    g_test_add_func("/allocation/never-exceeds-the-line", test_any);
    return g_test_run();
}
