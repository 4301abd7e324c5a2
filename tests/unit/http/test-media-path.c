#include "server/http/media-path.h"

static void test_takes(void)
{
    const char *const good[][2] = {
        {"master.m3u8", "master.m3u8"},
        {"720p/index.m3u8", "720p/index.m3u8"},
        {"720p/seg-00001.m4s", "720p/seg-00001.m4s"},
        {"video%2Emp4", "video.mp4"},
        {"captions/en_US.vtt", "captions/en_US.vtt"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *path = mnb_media_path_decode(good[i][0]);
        g_assert_cmpstr(path, ==, good[i][1]);
    }
}

static void test_refuses(void)
{
    const char *const bad[] = {
        "",
        "/",
        "..",
        "../manifest.json",
        "..%2fmanifest.json",
        "%2e%2e/video.mp4",
        "720p/../../tracks/a.mp4",
        "720p/..%2f..%2ftracks%2fa.mp4",
        ".hidden.mp4",
        "720p/.a.mp4",
        "a//b.mp4",
        "/a.mp4",
        "a.mp4/",
        "a\\b.mp4",
        "a%5cb.mp4",
        "a%00.mp4",
        "a%zz.mp4",
        "a%2.mp4",
        "%252e%252e/a.mp4",
        "a b.mp4",
        "a%20b.mp4",
        "manifest.json",
        "film/manifest.json",
        "catalogue.db",
        "a.MP4",
        "a.mkv",
        "a/b/c/d/e.mp4",
        "日本.mp4",
        "a.mp4?x",
        "a:b.mp4",
        "a.mp4%0d%0aX-Evil:1.mp4",
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *path = mnb_media_path_decode(bad[i]);
        g_assert_null(path);
    }
    g_autofree char *name = g_strnfill(MNB_MEDIA_PATH_MAX, 'a');
    g_autofree char *longer = g_strconcat(name, ".mp4", NULL);
    g_assert_null(mnb_media_path_decode(longer));
}

static void test_types(void)
{
    g_assert_cmpstr(mnb_media_path_type("a.m3u8"), ==, "application/vnd.apple.mpegurl");
    g_assert_cmpstr(mnb_media_path_type("720p/a.ts"), ==, "video/mp2t");
    g_assert_cmpstr(mnb_media_path_type("a.vtt"), ==, "text/vtt; charset=utf-8");
    g_assert_true(mnb_media_path_is_segment("720p/stream.mp4"));
    g_assert_false(mnb_media_path_is_segment("video.mp4"));
    g_assert_false(mnb_media_path_is_segment("720p/index.m3u8"));
}

static void test_disposition(void)
{
    g_autofree char *ja = mnb_media_path_disposition("防災/計画", "video.mp4");
    g_assert_cmpstr(ja, ==,
                    "attachment; filename=\"video.mp4\"; "
                    "filename*=UTF-8''%E9%98%B2%E7%81%BD%20%E8%A8%88%E7%94%BB.mp4");
    g_autofree char *evil = mnb_media_path_disposition("a\"\r\nX: y; \\..", "audio/a.m4a");
    g_assert_cmpstr(evil, ==, "attachment; filename=\"a.m4a\"; filename*=UTF-8''a%20X%20y%3B.m4a");
    g_autofree char *none = mnb_media_path_disposition(" // ", "a.m4a");
    g_assert_cmpstr(none, ==, "attachment; filename=\"a.m4a\"");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/media-path/takes-the-files-of-a-recording", test_takes);
    g_test_add_func("/http/media-path/refuses-every-way-out-of-the-folder", test_refuses);
    g_test_add_func("/http/media-path/knows-the-types", test_types);
    g_test_add_func("/http/media-path/names-downloads-by-their-title", test_disposition);
    return g_test_run();
}
