#include "recordings/caption-file.h"
#include "recordings/text-encoding.h"
#include <string.h>

#define SECOND_US ((gint64)G_USEC_PER_SEC)

static MnbCaptionFile *read_text(const char *text, gint64 length_us)
{
    return mnb_caption_file_read(text, strlen(text), length_us);
}

/* Returns (owned): "from-to who|text; ..." in milliseconds. */
static char *cues_of(const MnbCaptionFile *file)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < file->cues->len; i++) {
        const MnbMoment *cue = file->cues->pdata[i];
        g_string_append_printf(text, "%s%d-%d %s|%s", i > 0 ? "; " : "", (int)(cue->at_us / 1000),
                               (int)(cue->end_us / 1000), cue->who, cue->text);
    }
    return g_string_free(text, FALSE);
}

static char *notes_of(const MnbCaptionFile *file)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < file->notes->len; i++) {
        const MnbCaptionNote *one = &g_array_index(file->notes, MnbCaptionNote, i);
        g_string_append_printf(text, "%s%u %s", i > 0 ? "; " : "", one->line, one->code);
    }
    return g_string_free(text, FALSE);
}

static void test_formats(void)
{
    g_autoptr(MnbCaptionFile) srt =
        read_text("1\r\n00:00:01,000 --> 00:00:02,500\r\n防災\r\n訓練\r\n"
                  "\r\n2\r\n0:01:03,1 --> 1:00:04 X1:1\r\nSecond\r\n",
                  0);
    g_autofree char *cues = cues_of(srt);
    g_assert_cmpstr(srt->problem, ==, NULL);
    g_assert_cmpstr(srt->format, ==, "srt");
    g_assert_cmpstr(cues, ==, "1000-2500 |防災\n訓練; 63100-3604000 |Second");
    g_autoptr(MnbCaptionFile) vtt =
        read_text("WEBVTT - title\nKind: captions\n\nNOTE a --> b\nmore\n\nSTYLE\n::cue{}\n\n"
                  "intro\n00:01.000 --> 00:02.000 align:start line:0\n<v 山田 & A>Hello <i>you</i>"
                  "&amp;&lt;b&gt;\n\n00:03.000 --> 00:04.000\n<00:03.500><c.yellow>late</c>",
                  0);
    g_autofree char *more = cues_of(vtt);
    g_assert_cmpstr(vtt->problem, ==, NULL);
    g_assert_cmpstr(vtt->format, ==, "webvtt");
    g_assert_cmpstr(more, ==, "1000-2000 山田 & A|Hello you&<b>; 3000-4000 |late");
}

static void test_markup(void)
{
    g_autoptr(MnbCaptionFile) file =
        read_text("1\n00:00:01,000 --> 00:00:02,000\n<script>alert('1 < 2')</script>\n"
                  "<img src=x onerror=alert(1)> <b>bold</b> 3 < 4 <font color=\"red\">red</font>\n",
                  0);
    g_autofree char *cues = cues_of(file);
    g_assert_cmpstr(cues, ==,
                    "1000-2000 |<script>alert('1 < 2')</script>\n"
                    "<img src=x onerror=alert(1)> bold 3 < 4 red");
    g_autofree char *written = mnb_caption_file_write(file->cues, NULL);
    g_assert_cmpstr(written, ==,
                    "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n"
                    "&lt;script&gt;alert('1 &lt; 2')&lt;/script&gt;\n"
                    "&lt;img src=x onerror=alert(1)&gt; bold 3 &lt; 4 red\n\n");
    g_autoptr(MnbCaptionFile) again = read_text(written, 0);
    g_autofree char *same = cues_of(again);
    g_assert_cmpstr(same, ==, cues);
}

static void test_times(void)
{
    g_autoptr(MnbCaptionFile) wrong = read_text(
        "1\n00:00:01,000 --> 00:00:02,000\nfine\n\n2\n00:00:05,000 --> 00:00:04,000\n"
        "back\n\n3\n00:61:05,000 --> 00:62:04,000\nno such minute\n\n4\nnot --> a time\nx\n",
        0);
    g_autofree char *notes = notes_of(wrong);
    g_assert_cmpstr(wrong->problem, ==, "bad-times");
    g_assert_cmpstr(notes, ==, "6 ends-before-it-begins; 10 bad-time; 14 bad-time");
    g_autoptr(MnbCaptionFile) odd =
        read_text("1\n00:00:10,000 --> 00:00:12,000\nb\n\n2\n00:00:01,000 --> 00:00:04,000\na\n\n"
                  "stray words\n\n3\n00:00:11,000 --> 00:00:31,000\nc\n\n"
                  "4\n00:00:13,000 --> 00:00:14,000\n\n",
                  20 * SECOND_US);
    g_autofree char *look = notes_of(odd);
    g_autofree char *cues = cues_of(odd);
    g_assert_cmpstr(odd->problem, ==, NULL);
    g_assert_cmpstr(look, ==, "6 not-in-order; 9 no-time; 12 overlap; 12 past-the-end; 16 no-text");
    g_assert_cmpstr(cues, ==, "1000-4000 |a; 10000-12000 |b; 11000-31000 |c");
}

static void test_not_captions(void)
{
    const struct {
        const char *bytes;
        gsize len;
        const char *problem;
    } cases[] = {
        {"", 0, "not-captions"},
        {"abc", 3, "not-captions"},
        {"PK\x03\x04\0\0\0\x08", 8, "not-text"},
        {"#EXTM3U\n#EXTINF:2,\na.ts\n", 24, "not-captions"},
        {"WEBVTT\n", 7, NULL}, /* nobody says anything */
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(MnbCaptionFile) file = mnb_caption_file_read(cases[i].bytes, cases[i].len, 0);
        g_test_message("case %u", i);
        g_assert_cmpstr(file->problem, ==, cases[i].problem);
    }
    g_autofree char *large = g_malloc0(MNB_CAPTION_FILE_MAX + 1);
    g_autoptr(MnbCaptionFile) file = mnb_caption_file_read(large, MNB_CAPTION_FILE_MAX + 1, 0);
    g_assert_cmpstr(file->problem, ==, "too-large");
    GString *many = g_string_new(NULL);
    for (int i = 0; i < MNB_MOMENTS_MAX + 1; i++)
        g_string_append_printf(many, "%02d:%02d:%02d,000 --> %02d:%02d:%02d,500\nx\n\n", i / 3600,
                               i / 60 % 60, i % 60, i / 3600, i / 60 % 60, i % 60);
    g_autoptr(MnbCaptionFile) full = read_text(many->str, 0);
    g_string_free(many, TRUE);
    g_assert_cmpstr(full->problem, ==, "too-many");
}

static const char said[] = "1\n00:00:01,000 --> 00:00:03,000\n"
                           "横浜市の浄水場では、毎日一千万人分の水をつくっています。\n\n"
                           "2\n00:00:04,000 --> 00:00:06,000\n①ごみの減量　髙橋さん\n";

static void test_encodings(void)
{
    static const struct {
        const char *iconv, *mark, *name;
    } cases[] = {
        {"UTF-8", "", "UTF-8"},
        {"UTF-8", "\xef\xbb\xbf", "UTF-8"},
        {"UTF-16LE", "\xff\xfe", "UTF-16LE"},
        {"UTF-16BE", "\xfe\xff", "UTF-16BE"},
        {"UTF-16LE", "", "UTF-16LE"},
        {"CP932", "", "CP932"},
        {"EUC-JP-MS", "", "EUC-JP"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        gsize len = 0;
        g_autofree char *bytes = g_convert(said, -1, cases[i].iconv, "UTF-8", NULL, &len, &error);
        g_assert_no_error(error);
        g_autoptr(GByteArray) file = g_byte_array_new();
        g_byte_array_append(file, (const guint8 *)cases[i].mark, (guint)strlen(cases[i].mark));
        g_byte_array_append(file, (const guint8 *)bytes, (guint)len);
        const char *encoding;
        g_autofree char *text = mnb_text_to_utf8(file->data, file->len, &encoding);
        g_test_message("%s, mark of %d bytes", cases[i].iconv, (int)strlen(cases[i].mark));
        g_assert_cmpstr(text, ==, said);
        g_assert_cmpstr(encoding, ==, cases[i].name);
    }
}

/* A few words are little to guess by: whatever is guessed must be right, not only convert. */
static void test_short_texts(void)
{
    static const char *const words[] = {"はい", "防災訓練", "ありがとうございます。", "カタカナ"};
    static const char *const from[] = {"CP932", "EUC-JP-MS"};
    guint n_right = 0;
    for (guint i = 0; i < G_N_ELEMENTS(words) * G_N_ELEMENTS(from); i++) {
        gsize len = 0;
        const char *word = words[i / G_N_ELEMENTS(from)];
        g_autofree char *line = g_strdup_printf("1\n00:00:01,000 --> 00:00:03,000\n%s\n", word);
        g_autofree char *bytes =
            g_convert(line, -1, from[i % G_N_ELEMENTS(from)], "UTF-8", NULL, &len, NULL);
        g_autofree char *text = mnb_text_to_utf8(bytes, len, NULL);
        n_right += g_strcmp0(text, line) == 0;
        if (g_strcmp0(text, line) != 0)
            g_test_message("%s in %s was read as %s", word, from[i % G_N_ELEMENTS(from)], text);
    }
    g_assert_cmpuint(n_right, ==, 8);
    const char *encoding;
    static const char accents[] =
        "1\n00:00:01,000 --> 00:00:03,000\nL'\xe9t\xe9, \xe0 la for\xeat; "
        "l'eau est trait\xe9"
        "e deux fois pr\xe8s de la rivi\xe8re.\n";
    g_autofree char *french = mnb_text_to_utf8(accents, strlen(accents), &encoding);
    g_assert_cmpstr(encoding, ==, "WINDOWS-1252");
    g_assert_nonnull(strstr(french, "L'été, à la forêt"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recordings/caption-file/reads-webvtt-and-srt", test_formats);
    g_test_add_func("/recordings/caption-file/keeps-foreign-markup-as-text", test_markup);
    g_test_add_func("/recordings/caption-file/names-wrong-times-by-line", test_times);
    g_test_add_func("/recordings/caption-file/refuses-what-is-no-captions", test_not_captions);
    g_test_add_func("/recordings/caption-file/reads-the-encodings-of-offices", test_encodings);
    g_test_add_func("/recordings/caption-file/guesses-short-japanese", test_short_texts);
    return g_test_run();
}
