#include "server/media/id-map.h"
#include <errno.h>
#include <glib.h>

static void test_basics(void)
{
    MnbIdMap map = {0};
    int a, b;
    size_t place = 0;
    g_assert_null(mnb_id_map_get(&map, 1));
    mnb_id_map_remove(&map, 1);
    g_assert_null(mnb_id_map_next(&map, &place));
    g_assert_cmpint(mnb_id_map_put(&map, 1, &a), ==, 0);
    g_assert_cmpint(mnb_id_map_put(&map, 1, &b), ==, -EEXIST);
    g_assert_true(mnb_id_map_get(&map, 1) == &a);
    mnb_id_map_remove(&map, 1);
    g_assert_null(mnb_id_map_get(&map, 1));
    g_assert_cmpuint(map.count, ==, 0);
    mnb_id_map_clear(&map);
    mnb_id_map_clear(&map);
}

/* Against GHashTable, with few keys so that runs and deletions inside them are common. */
static void test_against_glib(void)
{
    MnbIdMap map = {0};
    GHashTable *judge = g_hash_table_new(g_direct_hash, g_direct_equal);
    GRand *rand = g_rand_new_with_seed(99);
    for (unsigned i = 0; i < 200000; i++) {
        gpointer key = GUINT_TO_POINTER(g_rand_int_range(rand, 0, i < 100000 ? 40 : 3000));
        if (g_rand_boolean(rand)) {
            int put = mnb_id_map_put(&map, GPOINTER_TO_UINT(key), &map.count + i % 7);
            g_assert_cmpint(put, ==, g_hash_table_contains(judge, key) ? -EEXIST : 0);
            if (put == 0)
                g_hash_table_insert(judge, key, &map.count + i % 7);
        } else {
            mnb_id_map_remove(&map, GPOINTER_TO_UINT(key));
            g_hash_table_remove(judge, key);
        }
        gpointer probe = GUINT_TO_POINTER(g_rand_int_range(rand, 0, 3000));
        g_assert_true(mnb_id_map_get(&map, GPOINTER_TO_UINT(probe)) ==
                      g_hash_table_lookup(judge, probe));
        g_assert_cmpuint(map.count, ==, g_hash_table_size(judge));
    }
    size_t place = 0, seen = 0;
    while (mnb_id_map_next(&map, &place) != NULL)
        seen++;
    g_assert_cmpuint(seen, ==, map.count);
    mnb_id_map_clear(&map);
    g_hash_table_destroy(judge);
    g_rand_free(rand);
}

static void test_hash(void)
{
    uint64_t one[2] = {1, 2}, other[2] = {1, 3};
    g_assert_cmpuint(mnb_id_hash(one, "abcdefghi", 9), ==, mnb_id_hash(one, "abcdefghi", 9));
    g_assert_cmpuint(mnb_id_hash(one, "abcdefghi", 9), !=, mnb_id_hash(one, "abcdefghj", 9));
    g_assert_cmpuint(mnb_id_hash(one, "abcdefgh", 8), !=, mnb_id_hash(one, "abcdefgh\0", 9));
    g_assert_cmpuint(mnb_id_hash(one, "abc", 3), !=, mnb_id_hash(other, "abc", 3));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/id-map/puts-finds-and-removes", test_basics);
    g_test_add_func("/id-map/agrees-with-a-hash-table-of-glib", test_against_glib);
    g_test_add_func("/id-map/hashes-with-its-secret", test_hash);
    return g_test_run();
}
