#include "pipelines/ingest/stream-key.h"

#include <string.h>

static gboolean copy_key(const char *from, gsize length, char key[MNB_STREAM_KEY_MAX + 1])
{
    if (length == 0 || length > MNB_STREAM_KEY_MAX)
        return FALSE;
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isgraph(from[i]))
            return FALSE;
    memcpy(key, from, length);
    key[length] = '\0';
    return TRUE;
}

gboolean mnb_stream_key_parse(const char *stream_id, char key[MNB_STREAM_KEY_MAX + 1])
{
    static const char standard[] = "#!::";
    if (stream_id == NULL || strnlen(stream_id, MNB_STREAM_ID_MAX + 1) > MNB_STREAM_ID_MAX)
        return FALSE;
    if (!g_str_has_prefix(stream_id, standard))
        return copy_key(stream_id, strlen(stream_id), key);
    for (const char *at = stream_id + strlen(standard); *at != '\0';) {
        gsize length = strcspn(at, ",");
        if (length > 2 && (at[0] == 'r' || at[0] == 'u') && at[1] == '=' &&
            copy_key(at + 2, length - 2, key))
            return TRUE;
        at += length + (at[length] == ',');
    }
    return FALSE;
}

gboolean mnb_stream_key_is(const char *stream_id, const char *hash)
{
    char key[MNB_STREAM_KEY_MAX + 1];
    if (hash == NULL || strlen(hash) != MNB_STREAM_KEY_HASH ||
        !mnb_stream_key_parse(stream_id, key))
        return FALSE;
    g_autofree char *theirs = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
    volatile unsigned difference = 0;
    for (gsize i = 0; i < MNB_STREAM_KEY_HASH; i++)
        difference |= (unsigned)(theirs[i] ^ hash[i]);
    return difference == 0;
}
