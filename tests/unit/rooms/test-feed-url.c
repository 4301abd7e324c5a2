/* Addresses of cameras: what staff types must not reach inside. */
#include "server/base/error.h"
#include "server/rooms/feed-url.h"

static void check(const char *url, int expected)
{
    static const char *const networks[] = {"192.168.10.0/24", "127.0.0.0/8", NULL};
    g_autoptr(GError) error = NULL;
    gboolean ok = mnb_feed_url_check(url, networks, &error);
    if (expected < 0 ? !ok : ok || error->code != expected)
        g_error("%s: %s", url, ok ? "allowed" : error->message);
}

static void test_allowed(void)
{
    check("rtsp://203.0.113.7/stream", -1);
    check("rtsp://user:secret@203.0.113.7:8554/stream?channel=1", -1);
    check("rtsp://[2001:db8::7]/a", -1);
    check("rtsp://192.168.10.20/stream", -1); /* named by the operator */
    check("rtsp://127.0.0.1:8554/test", -1);
}

static void test_inside(void)
{
    static const char *const urls[] = {"rtsp://192.168.11.20/",
                                       "rtsp://10.0.0.1/",
                                       "rtsp://169.254.169.254/latest",
                                       "rtsp://172.16.0.1/",
                                       "rtsp://0.0.0.0/",
                                       "rtsp://0.1.2.3/",
                                       "rtsp://100.64.0.1/",
                                       "rtsp://224.0.0.1/",
                                       "rtsp://255.255.255.255/",
                                       "rtsp://[::1]/",
                                       "rtsp://[fe80::1]/",
                                       "rtsp://[fd00::1]/",
                                       "rtsp://[::ffff:10.0.0.1]/",
                                       "rtsp://[64:ff9b::a00:1]/",
                                       "rtsp://[::]/"};
    for (guint i = 0; i < G_N_ELEMENTS(urls); i++)
        check(urls[i], MNB_ERROR_DENIED);
}

static void test_no_camera(void)
{
    static const char *const urls[] = {"",
                                       "rtsp://",
                                       "rtsp:///x",
                                       "rtsp://camera.local/x",
                                       "http://203.0.113.7/",
                                       "file:///etc/passwd",
                                       "rtsps://203.0.113.7/",
                                       "203.0.113.7",
                                       "rtsp://203.0.113.7/#x",
                                       "rtsp://2130706433/",
                                       "rtsp://0x7f.1/"};
    for (guint i = 0; i < G_N_ELEMENTS(urls); i++)
        check(urls[i], MNB_ERROR_INVALID);
    g_autofree char *dots = g_strnfill(2000, 'a');
    g_autofree char *url = g_strconcat("rtsp://203.0.113.7/", dots, NULL);
    check(url, MNB_ERROR_INVALID);
    g_assert_true(mnb_feed_network_check("10.0.0.0/8", NULL));
    g_assert_false(mnb_feed_network_check("ten", NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/feed-url/lets-public-and-named-cameras-be-called", test_allowed);
    g_test_add_func("/feed-url/calls-nothing-inside", test_inside);
    g_test_add_func("/feed-url/wants-an-address-of-a-camera", test_no_camera);
    return g_test_run();
}
