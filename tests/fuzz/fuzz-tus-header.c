/* Header lines of resumable uploads: what is accepted holds what the parser promises. */
#include "server/uploads/tus-header.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL) || strpbrk(text, "\r\n\x7f") != NULL)
        g_error("a value with control characters");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *line = g_strndup((const char *)data, size);
    g_autoptr(GHashTable) pairs = mnb_tus_parse_metadata(line);
    if (pairs != NULL) {
        GHashTableIter iter;
        gpointer name, value;
        g_hash_table_iter_init(&iter, pairs);
        while (g_hash_table_iter_next(&iter, &name, &value)) {
            check_text(value);
            if (((char *)name)[0] == '\0' || strpbrk(name, " ,") != NULL)
                g_error("a name that is none");
        }
        if (g_hash_table_size(pairs) > MNB_TUS_PAIRS_MAX)
            g_error("too many pairs");
    }
    MnbTusChecksum checksum;
    if (mnb_tus_parse_checksum(line, &checksum) == MNB_TUS_GOOD &&
        (checksum.len > MNB_TUS_DIGEST_MAX ||
         (gssize)checksum.len != g_checksum_type_get_length(checksum.type)))
        g_error("a digest of the wrong length");
    gint64 number = 0;
    if (mnb_tus_parse_number(line, &number) && number < 0)
        g_error("a number of bytes below zero");
    return 0;
}
