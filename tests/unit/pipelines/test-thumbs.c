#include "pipelines/common/job-error.h"
#include "pipelines/transcode/thumbs.h"

#include <glib/gstdio.h>

#define S ((gint64)G_USEC_PER_SEC)

/* A picture of 192x108 whose left part is white: the wider, the brighter. */
static void add_picture(MnbThumbs *thumbs, gint64 at_us, int white, guint8 dark)
{
    GstVideoInfo info;
    GstVideoFrame frame;
    gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, 192, 108);
    GST_VIDEO_INFO_FPS_N(&info) = 25;
    g_autoptr(GstBuffer) buffer = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(&info), NULL);
    gst_buffer_memset(buffer, 0, 128, GST_VIDEO_INFO_SIZE(&info));
    g_assert_true(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE));
    guint8 *luma = GST_VIDEO_FRAME_PLANE_DATA(&frame, 0);
    for (int y = 0; y < 108; y++)
        for (int x = 0; x < 192; x++)
            luma[y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0) + x] = x < white ? 230 : dark;
    mnb_thumbs_add(thumbs, at_us, &frame);
    gst_video_frame_unmap(&frame);
}

static void test_step(void)
{
    g_autoptr(MnbThumbs) thumbs = mnb_thumbs_new(1920, 1080);
    guint taken = 0;
    for (gint64 at_us = 0; at_us < 60 * S; at_us += S / 5) {
        if (!mnb_thumbs_wants(thumbs, at_us))
            continue;
        add_picture(thumbs, at_us, 90, 20);
        taken++;
    }
    g_assert_cmpuint(taken, ==, 30);
    g_assert_cmpuint(mnb_thumbs_count(thumbs), ==, 30);
}

/* Twelve hours have no more pictures than a quarter of an hour. */
static void test_long(void)
{
    g_autoptr(MnbThumbs) thumbs = mnb_thumbs_new(1280, 720);
    for (gint64 at_us = 0; at_us < 12 * 3600 * S; at_us += 2 * S)
        if (mnb_thumbs_wants(thumbs, at_us))
            add_picture(thumbs, at_us, 90, 20);
    g_assert_cmpuint(mnb_thumbs_count(thumbs), <, MNB_THUMBS_MAX);
    g_assert_cmpuint(mnb_thumbs_count(thumbs), >=, MNB_THUMBS_MAX / 4);
    g_assert_cmpint(mnb_thumbs_step_us(thumbs), ==, 128 * S);
}

static void test_posters(void)
{
    gint64 at_us[MNB_THUMBS_POSTERS];
    g_autoptr(MnbThumbs) thumbs = mnb_thumbs_new(1920, 1080);
    g_assert_cmpuint(mnb_thumbs_posters(thumbs, at_us), ==, 0);
    for (int i = 0; i < 30; i++)
        add_picture(thumbs, i * 2 * S, i == 13 ? 96 : i == 25 ? 90 : i == 3 ? 60 : 0, 100);
    g_assert_cmpuint(mnb_thumbs_posters(thumbs, at_us), ==, 3);
    g_assert_cmpint(at_us[0], ==, 26 * S);
    g_assert_cmpint(at_us[1], ==, 50 * S);
    g_assert_cmpint(at_us[2], ==, 6 * S);
    g_autoptr(MnbThumbs) short_film = mnb_thumbs_new(1920, 1080);
    add_picture(short_film, 0, 90, 20);
    g_assert_cmpuint(mnb_thumbs_posters(short_film, at_us), ==, 1);
}

/* Upright films have upright pictures. */
static void test_vtt(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("thumbs-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "thumbnails.vtt", NULL);
    g_autofree char *text = NULL;
    g_autoptr(MnbThumbs) thumbs = mnb_thumbs_new(720, 1280);
    g_assert_false(mnb_thumbs_write(thumbs, folder, 10 * S, &error));
    g_assert_error(error, MNB_JOB_ERROR, MNB_JOB_DAMAGED);
    g_clear_error(&error);
    for (int i = 0; i < 102; i++)
        add_picture(thumbs, i * 2 * S, 90, 20);
    g_assert_true(mnb_thumbs_write(thumbs, folder, 205 * S, &error));
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_true(g_str_has_prefix(
        text, "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nsprites-1.jpg#xywh=0,0,90,160\n\n"));
    g_assert_nonnull(strstr(text, "00:03:16.000 --> 00:03:18.000\n"
                                  "sprites-1.jpg#xywh=720,1440,90,160\n"));
    g_assert_true(g_str_has_suffix(
        text, "00:03:22.000 --> 00:03:25.000\nsprites-2.jpg#xywh=90,0,90,160\n\n"));
    static const char *const made[] = {"thumbnails.vtt", "sprites-1.jpg", "sprites-2.jpg"};
    for (gsize i = 0; i < G_N_ELEMENTS(made); i++) {
        g_autofree char *file = g_build_filename(folder, made[i], NULL);
        g_unlink(file);
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/thumbs/come-every-two-seconds", test_step);
    g_test_add_func("/thumbs/stay-few-in-a-long-film", test_long);
    g_test_add_func("/thumbs/the-best-of-each-third-is-a-poster", test_posters);
    g_test_add_func("/thumbs/are-named-by-time-and-place", test_vtt);
    return g_test_run();
}
