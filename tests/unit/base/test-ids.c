#include <string.h>

#include "server/base/ids.h"

static void test_ids_are_26_characters(void)
{
    for (int i = 0; i < 1000; i++) {
        char id[MNB_ID_SIZE];
        mnb_id_make(id);
        g_assert_true(mnb_id_is_valid(id));
        g_assert_cmpint(id[0], <=, '7'); /* 26 digits hold 130 bits, an id has 128 */
    }
}

static void test_ids_and_tokens_differ(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int i = 0; i < 1000; i++) {
        char token[MNB_TOKEN_SIZE];
        mnb_token_make(token);
        g_assert_true(mnb_token_is_valid(token));
        g_assert_true(g_hash_table_add(seen, g_strdup(token)));
        g_assert_true(g_hash_table_add(seen, mnb_id_new()));
    }
}

static void test_refuses_other_texts(void)
{
    g_assert_false(mnb_id_is_valid(NULL));
    g_assert_false(mnb_id_is_valid(""));
    g_assert_false(mnb_id_is_valid("0123456789abcdefghjkmnpqr"));   /* short */
    g_assert_false(mnb_id_is_valid("0123456789abcdefghjkmnpqrst")); /* long */
    g_assert_false(mnb_id_is_valid("0123456789abcdefghijklmnop"));  /* i, l, o */
    g_assert_false(mnb_id_is_valid("0123456789ABCDEFGHJKMNPQRS"));  /* capitals */
    g_assert_false(mnb_token_is_valid(NULL));
    g_assert_false(mnb_token_is_valid("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
}

static void test_hashes_tokens(void)
{
    guint8 hash[MNB_TOKEN_HASH_BYTES];
    static const guint8 of_abc[4] = {0xba, 0x78, 0x16, 0xbf}; /* FIPS 180-4, example */
    mnb_token_hash("abc", hash);
    g_assert_cmpmem(hash, 4, of_abc, 4);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ids/are-26-characters-of-crockford-base32", test_ids_are_26_characters);
    g_test_add_func("/ids/never-repeat", test_ids_and_tokens_differ);
    g_test_add_func("/ids/refuses-other-texts", test_refuses_other_texts);
    g_test_add_func("/ids/hashes-tokens-with-sha256", test_hashes_tokens);
    return g_test_run();
}
