#include "server/http/media-path.h"
#include <string.h>

#define STEPS_MAX           4
#define NAME_MAX_CHARACTERS 80

static const struct {
    const char *ending;
    const char *type;
    gboolean is_segment;
} kinds[] = {
    {".m3u8", "application/vnd.apple.mpegurl", FALSE},
    {".ts", "video/mp2t", TRUE},
    {".m4s", "video/iso.segment", TRUE},
    {".mp4", "video/mp4", TRUE},
    {".m4a", "audio/mp4", FALSE},
    {".aac", "audio/aac", TRUE},
    {".webm", "video/webm", FALSE},
    {".jpg", "image/jpeg", FALSE},
    {".png", "image/png", FALSE},
    {".webp", "image/webp", FALSE},
    {".vtt", "text/vtt; charset=utf-8", FALSE},
    {"chapters.json", "application/json", FALSE},
    {"waveform.json", "application/json", FALSE}, /* no others: manifest.json is not for viewers */
};

static int kind_of(const char *path)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_has_suffix(path, kinds[i].ending))
            return (int)i;
    return -1;
}

static gboolean is_safe_step(const char *step, gsize len)
{
    if (len == 0 || step[0] == '.')
        return FALSE;
    for (gsize i = 0; i < len; i++)
        if (!g_ascii_isalnum(step[i]) && strchr("-_.", step[i]) == NULL)
            return FALSE;
    return TRUE;
}

char *mnb_media_path_decode(const char *rest)
{
    if (strlen(rest) > 3 * MNB_MEDIA_PATH_MAX)
        return NULL;
    g_autofree char *path = g_uri_unescape_string(rest, "/");
    if (path == NULL || strlen(path) > MNB_MEDIA_PATH_MAX || kind_of(path) < 0)
        return NULL;
    guint steps = 0;
    for (const char *step = path;; steps++) {
        const char *end = strchr(step, '/');
        gsize len = end != NULL ? (gsize)(end - step) : strlen(step);
        if (steps == STEPS_MAX || !is_safe_step(step, len))
            return NULL;
        if (end == NULL)
            return g_steal_pointer(&path);
        step = end + 1;
    }
}

const char *mnb_media_path_type(const char *path)
{
    int kind = kind_of(path);
    return kind < 0 ? "application/octet-stream" : kinds[kind].type;
}

gboolean mnb_media_path_is_segment(const char *path)
{
    int kind = kind_of(path);
    return kind >= 0 && kinds[kind].is_segment && strchr(path, '/') != NULL;
}

/* File names that every system takes: no separators, no characters that Windows forbids. */
static char *file_name_of(const char *title)
{
    GString *name = g_string_new(NULL);
    glong n = 0;
    for (const char *p = title; *p != '\0' && n < NAME_MAX_CHARACTERS; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (g_unichar_iscntrl(c) || (c < 128 && strchr("/\\:*?\"<>|", (int)c) != NULL))
            c = ' ';
        if (c == ' ' && (name->len == 0 || name->str[name->len - 1] == ' '))
            continue;
        g_string_append_unichar(name, c);
        n++;
    }
    while (name->len > 0 && strchr(" .", name->str[name->len - 1]) != NULL)
        g_string_truncate(name, name->len - 1);
    return g_string_free(name, FALSE);
}

char *mnb_media_path_disposition(const char *title, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *plain = slash != NULL ? slash + 1 : path;
    g_autofree char *valid = g_utf8_make_valid(title, -1);
    g_autofree char *name = file_name_of(valid);
    if (name[0] == '\0' || name[0] == '.')
        return g_strdup_printf("attachment; filename=\"%s\"", plain);
    const char *ending = strrchr(plain, '.');
    g_autofree char *full = g_strconcat(name, ending != NULL ? ending : "", NULL);
    g_autofree char *escaped = g_uri_escape_string(full, NULL, FALSE);
    return g_strdup_printf("attachment; filename=\"%s\"; filename*=UTF-8''%s", plain, escaped);
}
