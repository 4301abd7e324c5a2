#include "pipelines/record/reorder.h"

#include "pipelines/common/leaks.h"

MNB_LEAKS_NOT_LOOKED_FOR;

#define MS 1000

static void put(MnbReorder *reorder, guint16 seq, gint64 now_us)
{
    GstBuffer *packet = gst_buffer_new();
    GST_BUFFER_OFFSET(packet) = seq;
    mnb_reorder_put(reorder, seq, packet, now_us);
}

/* @seq: -1: nothing is handed out. */
static void expect(MnbReorder *reorder, gint64 now_us, int seq, guint lost)
{
    guint seen_lost;
    GstBuffer *packet = mnb_reorder_take(reorder, now_us, &seen_lost);
    g_assert_cmpint(packet != NULL ? (int)GST_BUFFER_OFFSET(packet) : -1, ==, seq);
    g_assert_cmpuint(seen_lost, ==, lost);
    gst_clear_buffer(&packet);
}

static void test_order(void)
{
    MnbReorder *reorder = mnb_reorder_new();
    put(reorder, 65534, 0);
    put(reorder, 0, 0);
    put(reorder, 65535, 0);
    put(reorder, 65535, 0); /* twice */
    expect(reorder, 0, 65534, 0);
    expect(reorder, 0, 65535, 0);
    expect(reorder, 0, 0, 0);
    expect(reorder, 0, -1, 0);
    mnb_reorder_free(reorder);
}

static void test_hole(void)
{
    MnbReorder *reorder = mnb_reorder_new();
    put(reorder, 10, 0);
    expect(reorder, 0, 10, 0);
    put(reorder, 13, 100 * MS);
    expect(reorder, 100 * MS, -1, 0);
    expect(reorder, 100 * MS + MNB_REORDER_WAIT_US - 1, -1, 0);
    expect(reorder, 100 * MS + MNB_REORDER_WAIT_US, 13, 2);
    put(reorder, 12, 500 * MS); /* too late */
    expect(reorder, 900 * MS, -1, 0);
    g_assert_cmpuint(mnb_reorder_held(reorder), ==, 0);
    mnb_reorder_free(reorder);
}

static void test_repair(void)
{
    MnbReorder *reorder = mnb_reorder_new();
    put(reorder, 1, 0);
    put(reorder, 3, 0);
    expect(reorder, 0, 1, 0);
    expect(reorder, 0, -1, 0);
    put(reorder, 2, 200 * MS);
    expect(reorder, 200 * MS, 2, 0);
    expect(reorder, 200 * MS, 3, 0);
    mnb_reorder_free(reorder);
}

static void test_jump(void)
{
    MnbReorder *reorder = mnb_reorder_new();
    put(reorder, 1, 0);
    put(reorder, 3, 0);
    put(reorder, 40000, 0);
    expect(reorder, 0, 1, 0);
    expect(reorder, 0, 3, 0);
    expect(reorder, 0, 40000, 0);
    mnb_reorder_restart(reorder);
    put(reorder, 7, 0);
    expect(reorder, 0, 7, 0);
    mnb_reorder_free(reorder);
}

static void test_rest(void)
{
    MnbReorder *reorder = mnb_reorder_new();
    guint lost;
    put(reorder, 1, 0);
    put(reorder, 5, 0);
    gst_buffer_unref(mnb_reorder_take_rest(reorder, &lost));
    gst_buffer_unref(mnb_reorder_take_rest(reorder, &lost));
    g_assert_cmpuint(lost, ==, 3);
    g_assert_null(mnb_reorder_take_rest(reorder, &lost));
    put(reorder, 6, 0); /* freed with it */
    put(reorder, 8, 0);
    mnb_reorder_free(reorder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    gst_init(NULL, NULL);
    g_test_add_func("/pipelines/reorder/puts-packets-in-order-across-the-wrap", test_order);
    g_test_add_func("/pipelines/reorder/waits-for-what-is-missing-and-counts-it", test_hole);
    g_test_add_func("/pipelines/reorder/takes-a-repaired-packet", test_repair);
    g_test_add_func("/pipelines/reorder/follows-a-jump", test_jump);
    g_test_add_func("/pipelines/reorder/gives-up-the-rest-at-the-end", test_rest);
    return g_test_run();
}
