#include "pipelines/transcode/ladder.h"

#include <math.h>

static MnbLadder make(int width, int height, int fps_n, int fps_d)
{
    MnbFilmInfo info = {.has_video = TRUE,
                        .width = width,
                        .height = height,
                        .fps_n = fps_n,
                        .fps_d = fps_d,
                        .colorimetry = "bt709"};
    MnbLadder ladder;
    mnb_ladder_make(&info, &ladder);
    return ladder;
}

static void expect(const MnbLadder *ladder, const char *names)
{
    g_autoptr(GString) seen = g_string_new(NULL);
    for (int i = 0; i < ladder->n_rungs; i++)
        g_string_append_printf(seen, "%s%s", i > 0 ? " " : "", ladder->rungs[i].name);
    g_assert_cmpstr(seen->str, ==, names);
}

static void test_sizes(void)
{
    MnbLadder ladder = make(1920, 1080, 30, 1);
    expect(&ladder, "1080p 720p 360p 144p");
    ladder = make(3840, 2160, 30, 1);
    expect(&ladder, "1080p 720p 360p 144p");
    ladder = make(1280, 720, 25, 1);
    expect(&ladder, "720p 360p 144p");
    g_assert_cmpint(ladder.rungs[2].width, ==, 256);
    ladder = make(768, 576, 10, 1);
    expect(&ladder, "576p 360p 144p");
    ladder = make(320, 240, 25, 1);
    expect(&ladder, "240p 144p");
    ladder = make(64, 64, 25, 1);
    expect(&ladder, "64p");
    ladder = make(720, 1280, 30, 1); /* a phone held upright */
    expect(&ladder, "720p 360p 144p");
    g_assert_cmpint(ladder.rungs[1].width, ==, 360);
    g_assert_cmpint(ladder.rungs[1].height, ==, 640);
    MnbFilmInfo sound = {.has_audio = TRUE};
    mnb_ladder_make(&sound, &ladder);
    g_assert_cmpint(ladder.n_rungs, ==, 0);
}

static void test_rates(void)
{
    static const struct {
        int n, d, wanted_n, wanted_d;
    } cases[] = {
        {30, 1, 30, 1},
        {60, 1, 30, 1},
        {60000, 1001, 30000, 1001},
        {119000, 3970, 30000, 1001},
        {50, 1, 25, 1},
        {10, 1, 10, 1},
        {0, 1, 25, 1},
        {1, 1, 8, 1},
        {18, 1, 18, 1},
        {24000, 1001, 24000, 1001},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        MnbLadder ladder = make(1280, 720, cases[i].n, cases[i].d);
        g_assert_cmpint(ladder.rungs[0].fps_n, ==, cases[i].wanted_n);
        g_assert_cmpint(ladder.rungs[0].fps_d, ==, cases[i].wanted_d);
    }
}

static void test_alignment(void)
{
    for (int fps = 1; fps <= 120; fps++) {
        MnbLadder ladder = make(1920, 1080, fps, 1);
        double wanted_s = -1;
        for (int i = 0; i < ladder.n_rungs; i++) {
            const MnbRung *rung = &ladder.rungs[i];
            double seconds = (double)rung->key_frames * rung->fps_d / rung->fps_n;
            g_assert_cmpfloat(fabs(seconds - MNB_SEGMENT_S), <, 0.1);
            g_assert_true(wanted_s < 0 || fabs(seconds - wanted_s) < 1e-9);
            wanted_s = seconds;
            g_assert_cmpint((rung->width | rung->height) & 1, ==, 0);
        }
    }
}

static void test_slow_line(void)
{
    MnbLadder ladder = make(1920, 1080, 30, 1);
    const MnbRung *low = &ladder.rungs[ladder.n_rungs - 1];
    g_assert_true(low->is_low);
    g_assert_cmpint(low->bitrate_kbps * 1000 + MNB_AUDIO_LOW_BPS, <, 150000 * 85 / 100);
    g_assert_false(ladder.rungs[0].is_low);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pipelines/ladder/enlarges-nothing", test_sizes);
    g_test_add_func("/pipelines/ladder/chooses-a-usual-frame-rate", test_rates);
    g_test_add_func("/pipelines/ladder/puts-key-frames-at-the-same-times", test_alignment);
    g_test_add_func("/pipelines/ladder/has-a-rung-for-150-kbits", test_slow_line);
    return g_test_run();
}
