#include "recordings/caption-file.h"

#include <string.h>

#include "recordings/fields.h"
#include "recordings/text-encoding.h"

#define HOURS_MAX 99
#define LINES_MAX 400000
#define WHO_MAX   200
#define TAG_MAX   200

typedef struct {
    MnbCaptionFile *file;
    char **lines; /* NULL-terminated */
    guint n_lines;
    GArray *starts; /* guint: line of each cue, beside file->cues */
} Reading;

static void free_moment(gpointer data)
{
    mnb_moment_free(data);
}

static void note(Reading *reading, guint line, const char *code)
{
    MnbCaptionNote one = {line, code};
    reading->file->n_notes++;
    if (reading->file->notes->len < MNB_CAPTION_NOTES_MAX)
        g_array_append_val(reading->file->notes, one);
}

static void fail(Reading *reading, guint line, const char *code)
{
    note(reading, line, code);
    reading->file->problem = "bad-times";
}

/* ---- times ---- */

static gboolean read_number(const char **text, guint digits_max, guint *number_out)
{
    guint number = 0, digits = 0;
    for (; g_ascii_isdigit(**text) && digits < digits_max; digits++, (*text)++)
        number = number * 10 + (guint)(**text - '0');
    *number_out = number;
    return digits > 0 && !g_ascii_isdigit(**text);
}

/* "1:02:03.004", "02:03,4" */
static gboolean read_time(const char **text, gint64 *us_out)
{
    guint parts[3] = {0}, n = 0, milliseconds = 0;
    while (**text == ' ' || **text == '\t')
        (*text)++;
    for (;;) {
        if (!read_number(text, 3, &parts[n]))
            return FALSE;
        n++;
        if (**text != ':' || n == 3)
            break;
        (*text)++;
    }
    if (n < 2)
        return FALSE;
    if (**text == '.' || **text == ',') {
        const char *begin = ++*text;
        if (!read_number(text, 3, &milliseconds))
            return FALSE;
        for (gsize digits = (gsize)(*text - begin); digits < 3; digits++)
            milliseconds *= 10;
    }
    guint hours = n == 3 ? parts[0] : 0;
    guint minutes = parts[n - 2], seconds = parts[n - 1];
    if (hours > HOURS_MAX || minutes > 59 || seconds > 59)
        return FALSE;
    *us_out = ((gint64)hours * 3600 + minutes * 60 + seconds) * G_USEC_PER_SEC +
              (gint64)milliseconds * 1000;
    return TRUE;
}

static gboolean read_times(const char *line, gint64 *from_us, gint64 *to_us)
{
    if (!read_time(&line, from_us))
        return FALSE;
    while (*line == ' ' || *line == '\t')
        line++;
    if (!g_str_has_prefix(line, "-->"))
        return FALSE;
    line += strlen("-->");
    /* Behind the second time: settings of WebVTT, coordinates of SRT. */
    return read_time(&line, to_us) && (*line == '\0' || *line == ' ' || *line == '\t');
}

/* ---- text ---- */

static gboolean is_formatting(const char *name, gsize len)
{
    static const char *const names[] = {"i", "b", "u", "s", "c", "v", "font", "lang", "ruby", "rt"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (strlen(names[i]) == len && g_ascii_strncasecmp(names[i], name, len) == 0)
            return TRUE;
    return FALSE;
}

static gsize read_entity(const char *text, GString *into)
{
    static const struct {
        const char *name, *text;
    } entities[] = {{"&amp;", "&"},       {"&lt;", "<"}, {"&gt;", ">"},
                    {"&nbsp;", "\u00a0"}, {"&lrm;", ""}, {"&rlm;", ""}};
    for (guint i = 0; i < G_N_ELEMENTS(entities); i++)
        if (g_str_has_prefix(text, entities[i].name)) {
            g_string_append(into, entities[i].text);
            return strlen(entities[i].name);
        }
    return 0;
}

/* The name of <v Name>. */
static char *read_name(const char *raw, gsize len)
{
    g_autofree char *name = g_strndup(raw, len);
    GString *text = g_string_new(NULL);
    for (const char *at = name; *at != '\0';) {
        gsize taken = *at == '&' ? read_entity(at, text) : 0;
        if (taken == 0 && (guchar)*at >= ' ' && *at != 0x7f)
            g_string_append_c(text, *at);
        at += taken > 0 ? taken : 1;
    }
    return g_strstrip(g_string_free(text, FALSE));
}

/* @tag: behind "<". Returns: its length up to and with ">" when it only formats; 0: it is text. */
static gsize formatting_length(const char *tag, char **who)
{
    const char *end = memchr(tag, '>', strnlen(tag, TAG_MAX));
    if (end == NULL)
        return 0;
    const char *name = *tag == '/' ? tag + 1 : tag;
    gsize len = strcspn(name, " .\t>");
    if (g_ascii_isdigit(*tag)) {
        gint64 at_us;
        const char *time = tag;
        return read_time(&time, &at_us) && time == end ? (gsize)(end - tag) + 1 : 0;
    }
    if (!is_formatting(name, len))
        return 0;
    const char *blank = memchr(name, ' ', (gsize)(end - name));
    if (len == 1 && g_ascii_tolower(*name) == 'v' && *tag != '/' && blank != NULL && *who == NULL &&
        end - blank - 1 <= WHO_MAX)
        *who = read_name(blank + 1, (gsize)(end - blank - 1));
    return (gsize)(end - tag) + 1;
}

static void append_text(GString *into, const char *line, char **who)
{
    for (const char *at = line; *at != '\0';) {
        gsize taken = 0;
        if (*at == '<') {
            taken = formatting_length(at + 1, who);
            taken += taken > 0 ? 1 : 0;
        } else if (*at == '&') {
            taken = read_entity(at, into);
        }
        if (taken == 0 && ((guchar)*at >= ' ' || *at == '\t') && *at != 0x7f)
            g_string_append_c(into, *at);
        at += taken > 0 ? taken : 1;
    }
}

/* ---- cues ---- */

static gboolean is_blank(const char *line)
{
    return line[strspn(line, " \t")] == '\0';
}

static gboolean is_time_line(const char *line)
{
    return strstr(line, "-->") != NULL;
}

static void add_cue(Reading *reading, guint line, gint64 from_us, gint64 to_us, GString *text,
                    const char *who)
{
    g_strstrip(text->str);
    if (text->str[0] == '\0') {
        note(reading, line, "no-text");
        return;
    }
    if (g_utf8_strlen(text->str, -1) > MNB_MOMENT_TEXT_MAX) {
        fail(reading, line, "too-long");
        return;
    }
    MnbMoment *moment = g_new0(MnbMoment, 1);
    moment->kind = MNB_MOMENT_CAPTION;
    moment->language = g_strdup("");
    moment->at_us = from_us;
    moment->end_us = to_us;
    moment->who = g_strdup(who != NULL ? who : "");
    moment->text = g_strdup(text->str);
    g_ptr_array_add(reading->file->cues, moment);
    g_array_append_val(reading->starts, line);
}

/* The line with times is @line. Returns: the line behind the cue. */
static guint read_cue(Reading *reading, guint line)
{
    gint64 from_us = 0, to_us = 0;
    gboolean ok = read_times(reading->lines[line], &from_us, &to_us);
    if (!ok)
        fail(reading, line + 1, "bad-time");
    else if (to_us <= from_us)
        fail(reading, line + 1, "ends-before-it-begins");
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *who = NULL;
    guint next = line + 1;
    for (; next < reading->n_lines && !is_blank(reading->lines[next]); next++) {
        /* Files without blank lines: a number and a time begin the next cue. */
        if (is_time_line(reading->lines[next]))
            break;
        if (next + 1 < reading->n_lines && is_time_line(reading->lines[next + 1]) &&
            strspn(reading->lines[next], "0123456789 \t") == strlen(reading->lines[next]))
            break;
        if (text->len > 0)
            g_string_append_c(text, '\n');
        append_text(text, reading->lines[next], &who);
    }
    if (ok && to_us > from_us)
        add_cue(reading, line + 1, from_us, to_us, text, who);
    return next;
}

static guint skip_block(const Reading *reading, guint line)
{
    while (line < reading->n_lines && !is_blank(reading->lines[line]))
        line++;
    return line;
}

static gboolean is_block(const char *line, const char *name)
{
    gsize len = strlen(name);
    return strncmp(line, name, len) == 0 && (line[len] == '\0' || strchr(" \t", line[len]) != NULL);
}

static void read_lines(Reading *reading)
{
    guint line = 0;
    gboolean is_webvtt = reading->n_lines > 0 && is_block(reading->lines[0], "WEBVTT");
    reading->file->format = is_webvtt ? "webvtt" : "srt";
    if (is_webvtt)
        line = skip_block(reading, 0);
    while (line < reading->n_lines && reading->file->cues->len <= MNB_MOMENTS_MAX) {
        const char *text = reading->lines[line];
        gboolean is_named = line + 1 < reading->n_lines && is_time_line(reading->lines[line + 1]);
        if (is_blank(text)) {
            line++;
        } else if (is_webvtt && (is_block(text, "NOTE") || is_block(text, "STYLE") ||
                                 is_block(text, "REGION"))) {
            line = skip_block(reading, line);
        } else if (is_time_line(text)) {
            line = read_cue(reading, line);
        } else if (is_named) {
            line = read_cue(reading, line + 1);
        } else {
            note(reading, line + 1, "no-time");
            line = skip_block(reading, line);
        }
    }
}

static int by_time(gconstpointer a, gconstpointer b)
{
    const MnbMoment *x = *(MnbMoment *const *)a, *y = *(MnbMoment *const *)b;
    return x->at_us != y->at_us     ? (x->at_us < y->at_us ? -1 : 1)
           : x->end_us != y->end_us ? (x->end_us < y->end_us ? -1 : 1)
                                    : 0;
}

static int by_line(gconstpointer a, gconstpointer b)
{
    const MnbCaptionNote *x = a, *y = b;
    return x->line < y->line ? -1 : x->line > y->line;
}

static void check_times(Reading *reading, gint64 length_us)
{
    gint64 latest_us = -1, begun_us = -1;
    for (guint i = 0; i < reading->file->cues->len; i++) {
        const MnbMoment *cue = reading->file->cues->pdata[i];
        guint line = g_array_index(reading->starts, guint, i);
        if (cue->at_us < begun_us)
            note(reading, line, "not-in-order");
        else if (cue->at_us < latest_us)
            note(reading, line, "overlap");
        if (length_us > 0 && cue->end_us > length_us + G_USEC_PER_SEC)
            note(reading, line, "past-the-end");
        begun_us = MAX(begun_us, cue->at_us);
        latest_us = MAX(latest_us, cue->end_us);
    }
    g_array_sort(reading->file->notes, by_line);
    g_ptr_array_sort(reading->file->cues, by_time);
}

/* CR LF and CR become LF, in place. */
static void unify_lines(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from == '\r' && from[1] == '\n')
            continue;
        *to++ = *from == '\r' ? '\n' : *from;
    }
    *to = '\0';
}

MnbCaptionFile *mnb_caption_file_read(const void *bytes, gsize len, gint64 length_us)
{
    MnbCaptionFile *file = g_new0(MnbCaptionFile, 1);
    file->cues = g_ptr_array_new_with_free_func(free_moment);
    file->notes = g_array_new(FALSE, FALSE, sizeof(MnbCaptionNote));
    file->format = "srt";
    if (len > MNB_CAPTION_FILE_MAX) {
        file->problem = "too-large";
        return file;
    }
    g_autofree char *text = mnb_text_to_utf8(bytes, len, &file->encoding);
    if (text == NULL) {
        file->problem = "not-text";
        return file;
    }
    unify_lines(text);
    g_auto(GStrv) lines = g_strsplit(text, "\n", LINES_MAX);
    Reading reading = {.file = file,
                       .lines = lines,
                       .n_lines = g_strv_length(lines),
                       .starts = g_array_new(FALSE, FALSE, sizeof(guint))};
    read_lines(&reading);
    check_times(&reading, length_us);
    g_array_unref(reading.starts);
    if (file->cues->len > MNB_MOMENTS_MAX)
        file->problem = "too-many";
    else if (file->cues->len == 0 && file->problem == NULL && strcmp(file->format, "srt") == 0)
        file->problem = "not-captions";
    return file;
}

void mnb_caption_file_free(MnbCaptionFile *file)
{
    if (file == NULL)
        return;
    g_ptr_array_unref(file->cues);
    g_array_unref(file->notes);
    g_free(file);
}

/* ---- writing ---- */

static void append_time(GString *text, gint64 ms)
{
    g_string_append_printf(text, "%02d:%02d:%02d.%03d", (int)(ms / 3600000), (int)(ms / 60000 % 60),
                           (int)(ms / 1000 % 60), (int)(ms % 1000));
}

/* Nothing that is read as a tag; no empty line, which would end the cue. */
static void append_escaped(GString *text, const char *raw, gboolean is_one_line)
{
    char before = '\n';
    for (const char *c = raw; *c != '\0'; c++) {
        char one = *c == '\r' || (is_one_line && *c == '\n') ? ' ' : *c;
        if (one == '<')
            g_string_append(text, "&lt;");
        else if (one == '>')
            g_string_append(text, "&gt;");
        else if (one == '&')
            g_string_append(text, "&amp;");
        else if (one != '\n' || before != '\n')
            g_string_append_c(text, one);
        before = one;
    }
}

void mnb_caption_append_cue(GString *text, gint64 from_ms, gint64 to_ms, const char *who,
                            const char *words)
{
    append_time(text, from_ms);
    g_string_append(text, " --> ");
    append_time(text, MAX(to_ms, from_ms + 1));
    g_string_append_c(text, '\n');
    if (mnb_text(who)[0] != '\0') {
        g_string_append(text, "<v ");
        append_escaped(text, who, TRUE);
        g_string_append_c(text, '>');
    }
    append_escaped(text, words, FALSE);
    g_string_append(text, "\n\n");
}

char *mnb_caption_file_write(GPtrArray *moments, const MnbFilmEdit *edit)
{
    GString *text = g_string_new("WEBVTT\n\n");
    for (guint i = 0; i < moments->len; i++) {
        const MnbMoment *moment = moments->pdata[i];
        gint64 at_us = moment->at_us;
        gboolean is_cut_out = FALSE;
        if (edit != NULL)
            at_us = mnb_film_edit_to_film(edit, at_us, &is_cut_out);
        if (is_cut_out)
            continue;
        gint64 length_ms = (moment->end_us - moment->at_us) / 1000;
        mnb_caption_append_cue(text, at_us / 1000, at_us / 1000 + length_ms, moment->who,
                               moment->text);
    }
    return g_string_free(text, FALSE);
}
