#include "recordings/text-encoding.h"

#include <string.h>
#include <uchardet/uchardet.h>

typedef struct {
    const char *guess; /* as uchardet calls it */
    const char *iconv;
    const char *name;
} Encoding;

/* CP932 is Shift_JIS as Windows writes it, EUC-JP-MS likewise. */
static const Encoding cp932 = {"SHIFT_JIS", "CP932", "CP932"};
static const Encoding euc_jp = {"EUC-JP", "EUC-JP-MS", "EUC-JP"};
static const Encoding jis = {"ISO-2022-JP", "ISO-2022-JP-3", "ISO-2022-JP"};
static const Encoding western = {"WINDOWS-1252", "WINDOWS-1252", "WINDOWS-1252"};

static char *convert(const void *bytes, gsize len, const char *from)
{
    gsize read = 0, written = 0;
    g_autofree char *text = g_convert(bytes, (gssize)len, "UTF-8", from, &read, &written, NULL);
    if (text == NULL || read != len || memchr(text, '\0', written) != NULL)
        return NULL;
    return g_steal_pointer(&text);
}

/* The mark itself is taken off. */
static const char *marked(const guint8 **bytes, gsize *len)
{
    static const struct {
        const char *mark;
        gsize len;
        const char *name;
    } marks[] = {
        {"\xef\xbb\xbf", 3, "UTF-8"}, {"\xff\xfe", 2, "UTF-16LE"}, {"\xfe\xff", 2, "UTF-16BE"}};
    for (guint i = 0; i < G_N_ELEMENTS(marks); i++) {
        if (*len < marks[i].len || memcmp(*bytes, marks[i].mark, marks[i].len) != 0)
            continue;
        *bytes += marks[i].len;
        *len -= marks[i].len;
        return marks[i].name;
    }
    return NULL;
}

/* UTF-16 without a mark: its first character is ASCII in every file that we read. */
static const char *unmarked_utf16(const guint8 *bytes, gsize len)
{
    if (len < 4 || len % 2 != 0)
        return NULL;
    if (bytes[0] != 0 && bytes[1] == 0)
        return "UTF-16LE";
    return bytes[0] == 0 && bytes[1] != 0 ? "UTF-16BE" : NULL;
}

static gboolean is_guessed(const void *bytes, gsize len, const Encoding *encoding)
{
    gboolean is_it = FALSE;
    uchardet_t detector = uchardet_new();
    if (uchardet_handle_data(detector, bytes, len) == 0) {
        uchardet_data_end(detector);
        is_it = g_ascii_strcasecmp(uchardet_get_charset(detector), encoding->guess) == 0;
    }
    uchardet_delete(detector);
    return is_it;
}

/* Single accents between ASCII letters; Japanese comes in runs. */
static gboolean is_sparse(const guint8 *bytes, gsize len)
{
    for (gsize i = 1; i < len; i++)
        if (bytes[i - 1] >= 0x80 && bytes[i] >= 0x80)
            return FALSE;
    return TRUE;
}

/* Half-width katakana, which nobody writes in whole sentences, and characters for private use: what
 * EUC-JP looks like when it is read as CP932, and the other way round. */
static guint strangeness(const char *text)
{
    guint n = 0;
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        n += (c >= 0xff61 && c <= 0xff9f) || (c >= 0xe000 && c <= 0xf8ff);
    }
    return n;
}

static char *take(char *text, const Encoding *encoding, const char **encoding_out)
{
    if (text != NULL && encoding_out != NULL)
        *encoding_out = encoding->name;
    return text;
}

/* A few words are little to guess by, so of the two that are usual the less strange one wins. */
static char *read_unmarked(const guint8 *bytes, gsize len, const char **encoding_out)
{
    if (memchr(bytes, 0x1b, len) != NULL)
        return take(convert(bytes, len, jis.iconv), &jis, encoding_out);
    g_autofree char *windows = convert(bytes, len, cp932.iconv);
    g_autofree char *unix_like = convert(bytes, len, euc_jp.iconv);
    gboolean is_western = windows == NULL && unix_like == NULL;
    if (is_western || (is_sparse(bytes, len) && is_guessed(bytes, len, &western)))
        return take(convert(bytes, len, western.iconv), &western, encoding_out);
    if (windows != NULL && unix_like != NULL) {
        guint a = strangeness(windows), b = strangeness(unix_like);
        gboolean is_euc = a != b ? b < a : is_guessed(bytes, len, &euc_jp);
        g_clear_pointer(is_euc ? &windows : &unix_like, g_free);
    }
    if (windows != NULL)
        return take(g_steal_pointer(&windows), &cp932, encoding_out);
    return take(g_steal_pointer(&unix_like), &euc_jp, encoding_out);
}

char *mnb_text_to_utf8(const void *bytes, gsize len, const char **encoding_out)
{
    const guint8 *at = bytes;
    if (encoding_out != NULL)
        *encoding_out = NULL;
    const char *name = marked(&at, &len);
    if (name == NULL)
        name = unmarked_utf16(at, len);
    if (name != NULL && strcmp(name, "UTF-8") != 0) {
        const Encoding wide = {NULL, name, name};
        return take(convert(at, len, name), &wide, encoding_out);
    }
    if (memchr(at, '\0', len) != NULL)
        return NULL;
    /* ISO-2022-JP is ASCII with escapes: it would pass for UTF-8. */
    static const Encoding utf8 = {NULL, "UTF-8", "UTF-8"};
    if (memchr(at, 0x1b, len) == NULL && g_utf8_validate((const char *)at, (gssize)len, NULL))
        return take(g_strndup((const char *)at, len), &utf8, encoding_out);
    return read_unmarked(at, len, encoding_out);
}
