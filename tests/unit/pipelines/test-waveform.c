#include "pipelines/transcode/waveform.h"

#include <jansson.h>
#include <math.h>

static json_t *read_outline(const MnbWaveform *waveform)
{
    g_autofree char *text = mnb_waveform_to_json(waveform);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    g_assert_nonnull(json);
    g_assert_cmpint(json_integer_value(json_object_get(json, "version")), ==, 2);
    g_assert_cmpint(json_integer_value(json_object_get(json, "sample_rate")), ==, 48000);
    g_assert_cmpuint(json_array_size(json_object_get(json, "data")), ==,
                     2 * json_integer_value(json_object_get(json, "length")));
    return json;
}

static int value(const json_t *json, size_t i)
{
    return (int)json_integer_value(json_array_get(json_object_get(json, "data"), i));
}

/* Buffers do not end where pieces do. */
static void test_pieces(void)
{
    g_autoptr(MnbWaveform) waveform = mnb_waveform_new(48000, 2);
    float samples[2 * 1000];
    for (int second = 0; second < 5; second++) {
        for (int i = 0; i < 1000; i++) {
            samples[2 * i] = 0.1f;
            samples[2 * i + 1] = second < 2 ? -0.5f : 1.5f; /* too loud is as loud as it gets */
        }
        mnb_waveform_add(waveform, samples, 1000);
    }
    g_assert_cmpuint(mnb_waveform_count(waveform), ==, 2);
    json_t *json = read_outline(waveform);
    g_assert_cmpint(value(json, 0), ==, -64);
    g_assert_cmpint(value(json, 1), ==, 127);
    g_assert_cmpint(value(json, 2), ==, 0);
    g_assert_cmpint(value(json, 3), ==, 127);
    json_decref(json);
}

static void test_long(void)
{
    enum { FRAMES = 48000 };
    g_autoptr(MnbWaveform) waveform = mnb_waveform_new(48000, 1);
    g_autofree float *samples = g_new0(float, FRAMES);
    samples[100] = NAN;
    samples[200] = -0.25f;
    for (int second = 0; second < 3600; second++)
        mnb_waveform_add(waveform, samples, FRAMES);
    g_assert_cmpuint(mnb_waveform_count(waveform), <, MNB_WAVEFORM_MAX);
    json_t *json = read_outline(waveform);
    g_assert_cmpint(json_integer_value(json_object_get(json, "samples_per_pixel")), ==, 38400);
    g_assert_cmpint(json_integer_value(json_object_get(json, "length")), ==, 4500);
    g_assert_cmpint(value(json, 0), ==, -32);
    g_assert_cmpint(value(json, 1), ==, 0);
    json_decref(json);
}

static void test_nothing(void)
{
    g_autoptr(MnbWaveform) waveform = mnb_waveform_new(48000, 2);
    json_t *json = read_outline(waveform);
    g_assert_cmpint(json_integer_value(json_object_get(json, "length")), ==, 0);
    json_decref(json);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/waveform/pieces-hold-the-lowest-and-the-highest", test_pieces);
    g_test_add_func("/waveform/a-long-film-has-longer-pieces", test_long);
    g_test_add_func("/waveform/nothing-is-an-empty-list", test_nothing);
    return g_test_run();
}
