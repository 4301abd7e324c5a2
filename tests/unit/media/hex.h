/* hex.h - test vectors as they stand in RFCs. */
#pragma once
#include <glib.h>
#include <string.h>

/* Spaces are skipped. Returns: bytes written to @out, which must be large enough. */
static inline gsize hex(guint8 *out, const char *text)
{
    gsize n = 0;
    int high = -1;
    for (; *text != '\0'; text++) {
        int digit = g_ascii_xdigit_value(*text);
        if (digit < 0)
            continue;
        if (high < 0) {
            high = digit;
        } else {
            out[n++] = (guint8)(high << 4 | digit);
            high = -1;
        }
    }
    return n;
}

static inline void assert_hex(const guint8 *data, gsize len, const char *text)
{
    guint8 expected[4096];
    gsize n = hex(expected, text);
    g_assert_cmpmem(data, len, expected, n);
}
