#include "server/uploads/tus-header.h"

#include <string.h>

#define NUMBER_MAX (G_GINT64_CONSTANT(1) << 62)

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Whole base64 with its padding; g_base64_decode() alone passes over what is none.
 * Returns (owned): NULL when it is not base64. NUL-terminated. */
static guint8 *decode_base64(const char *text, gsize len, gsize *size_out)
{
    gsize n = strspn(text, base64_letters);
    if (n > len)
        n = len;
    gsize padding = len - n;
    if (len % 4 != 0 || padding > 2 || strncmp(text + n, "==", padding) != 0)
        return NULL;
    g_autofree char *copy = g_strndup(text, len);
    g_autofree guint8 *bytes = g_base64_decode(copy, size_out);
    guint8 *ended = g_malloc(*size_out + 1);
    if (*size_out > 0)
        memcpy(ended, bytes, *size_out);
    ended[*size_out] = 0;
    return ended;
}

static gboolean is_text(const char *text, gsize size)
{
    if (!g_utf8_validate(text, (gssize)size, NULL))
        return FALSE;
    for (gsize i = 0; i < size; i++)
        if ((guchar)text[i] < 0x20 || text[i] == 0x7f)
            return FALSE;
    return TRUE;
}

/* One "name value" between commas. */
static gboolean take_pair(GHashTable *pairs, const char *pair)
{
    gsize len = 0;
    while (pair[len] > 0x20 && pair[len] < 0x7f)
        len++;
    if (len == 0 || g_hash_table_size(pairs) == MNB_TUS_PAIRS_MAX)
        return FALSE;
    g_autofree char *name = g_strndup(pair, len);
    if (g_hash_table_contains(pairs, name))
        return FALSE;
    const char *coded = pair + len;
    if (*coded == ' ')
        coded++;
    gsize size = 0;
    g_autofree guint8 *value = decode_base64(coded, strlen(coded), &size);
    if (value == NULL || !is_text((const char *)value, size))
        return FALSE;
    g_hash_table_insert(pairs, g_steal_pointer(&name), g_steal_pointer(&value));
    return TRUE;
}

GHashTable *mnb_tus_parse_metadata(const char *line)
{
    g_autoptr(GHashTable) pairs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (line == NULL || line[0] == '\0')
        return g_steal_pointer(&pairs);
    if (strlen(line) > MNB_TUS_METADATA_MAX)
        return NULL;
    g_auto(GStrv) parts = g_strsplit(line, ",", -1);
    for (guint i = 0; parts[i] != NULL; i++)
        if (!take_pair(pairs, g_strstrip(parts[i])))
            return NULL;
    return g_steal_pointer(&pairs);
}

MnbTusResult mnb_tus_parse_checksum(const char *line, MnbTusChecksum *checksum_out)
{
    static const struct {
        const char *name;
        GChecksumType type;
    } algorithms[] = {
        {"sha1", G_CHECKSUM_SHA1},
        {"sha256", G_CHECKSUM_SHA256},
        {"sha512", G_CHECKSUM_SHA512},
        {"md5", G_CHECKSUM_MD5},
    };
    const char *blank = strchr(line, ' ');
    if (blank == NULL || strlen(blank + 1) > 100)
        return MNB_TUS_BAD;
    gsize size = 0;
    g_autofree guint8 *digest = decode_base64(blank + 1, strlen(blank + 1), &size);
    if (digest == NULL)
        return MNB_TUS_BAD;
    for (guint i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        gsize len = strlen(algorithms[i].name);
        if ((gsize)(blank - line) != len || strncmp(line, algorithms[i].name, len) != 0)
            continue;
        if ((gssize)size != g_checksum_type_get_length(algorithms[i].type))
            return MNB_TUS_BAD;
        checksum_out->type = algorithms[i].type;
        checksum_out->len = size;
        memcpy(checksum_out->digest, digest, size);
        return MNB_TUS_GOOD;
    }
    return MNB_TUS_UNKNOWN_ALGORITHM;
}

gboolean mnb_tus_parse_number(const char *line, gint64 *number_out)
{
    guint64 number;
    if (line == NULL || !g_ascii_string_to_unsigned(line, 10, 0, NUMBER_MAX, &number, NULL) ||
        !g_ascii_isdigit(line[0]))
        return FALSE;
    *number_out = (gint64)number;
    return TRUE;
}
