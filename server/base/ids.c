#include "server/base/ids.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static const char base32[] = "0123456789abcdefghjkmnpqrstvwxyz";
static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void mnb_random_fill(void *buffer, gsize size)
{
    guint8 *at = buffer;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            g_error("getrandom: %s", g_strerror(errno));
        at += got;
        size -= (gsize)got;
    }
}

/* Writes @bytes as digits of @bits_per_digit, the first digit taking what does not divide evenly
 * when @is_number, the last one otherwise (padded with zero bits, as RFC 4648 has it). */
static void write_digits(const guint8 *bytes, gsize n_bytes, const char *alphabet,
                         guint bits_per_digit, gboolean is_number, char *out)
{
    guint total_bits = (guint)n_bytes * 8;
    guint n_digits = (total_bits + bits_per_digit - 1) / bits_per_digit;
    guint lead_bits = is_number ? n_digits * bits_per_digit - total_bits : 0;
    for (guint digit = 0; digit < n_digits; digit++) {
        guint value = 0;
        for (guint i = 0; i < bits_per_digit; i++) {
            gint bit = (gint)(digit * bits_per_digit + i) - (gint)lead_bits;
            value <<= 1;
            if (bit >= 0 && bit < (gint)total_bits)
                value |= (bytes[bit / 8] >> (7 - bit % 8)) & 1u;
        }
        out[digit] = alphabet[value];
    }
    out[n_digits] = '\0';
}

void mnb_id_make(char id_out[MNB_ID_SIZE])
{
    guint8 bytes[16];
    mnb_random_fill(bytes, sizeof bytes);
    write_digits(bytes, sizeof bytes, base32, 5, TRUE, id_out);
}

void mnb_token_make(char token_out[MNB_TOKEN_SIZE])
{
    guint8 bytes[32];
    mnb_random_fill(bytes, sizeof bytes);
    write_digits(bytes, sizeof bytes, base64url, 6, FALSE, token_out);
    explicit_bzero(bytes, sizeof bytes);
}

char *mnb_id_new(void)
{
    char *id = g_malloc(MNB_ID_SIZE);
    mnb_id_make(id);
    return id;
}

static gboolean is_made_of(const char *text, gsize length, const char *alphabet)
{
    return text != NULL && strnlen(text, length + 1) == length && strspn(text, alphabet) == length;
}

gboolean mnb_id_is_valid(const char *id)
{
    return is_made_of(id, MNB_ID_CHARS, base32);
}

gboolean mnb_token_is_valid(const char *token)
{
    return is_made_of(token, MNB_TOKEN_CHARS, base64url);
}

void mnb_token_hash(const char *token, guint8 hash_out[MNB_TOKEN_HASH_BYTES])
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize size = MNB_TOKEN_HASH_BYTES;
    g_checksum_update(sum, (const guchar *)token, -1);
    g_checksum_get_digest(sum, hash_out, &size);
}
