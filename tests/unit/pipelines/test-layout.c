#include "pipelines/compose/layout.h"

static gboolean overlap(const MnbRect *a, const MnbRect *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height &&
           b->y < a->y + a->height;
}

static void check(int width, int height, int n, const MnbRect *rects)
{
    for (int i = 0; i < n; i++) {
        const MnbRect *rect = &rects[i];
        g_assert_cmpint(rect->x | rect->y | rect->width | rect->height, >=, 0);
        g_assert_cmpint((rect->x | rect->y | rect->width | rect->height) & 1, ==, 0);
        g_assert_cmpint(rect->width, >, 0);
        g_assert_cmpint(rect->height, >, 0);
        g_assert_cmpint(rect->x + rect->width, <=, width);
        g_assert_cmpint(rect->y + rect->height, <=, height);
        for (int k = 0; k < i; k++)
            g_assert_false(overlap(rect, &rects[k]));
    }
}

static void test_gallery(void)
{
    MnbRect rects[MNB_TILES_MAX];
    for (int n = 1; n <= MNB_TILES_MAX; n++) {
        mnb_layout_gallery(1280, 720, n, rects);
        check(1280, 720, n, rects);
        mnb_layout_gallery(640, 360, n, rects);
        check(640, 360, n, rects);
    }
    mnb_layout_gallery(1280, 720, 4, rects);
    g_assert_cmpint(rects[0].width, >, 600); /* two by two */
    g_assert_cmpint(rects[0].y, ==, rects[1].y);
    g_assert_cmpint(rects[0].x, ==, rects[2].x);
}

static void test_stage(void)
{
    MnbRect rects[MNB_TILES_MAX];
    for (int n = 2; n <= MNB_TILES_MAX; n++) {
        mnb_layout_stage(1280, 720, n, rects);
        check(1280, 720, n, rects);
        g_assert_cmpint(rects[0].width, >, 2 * rects[1].width);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pipelines/layout/tiles-fill-the-canvas-without-touching", test_gallery);
    g_test_add_func("/pipelines/layout/a-stage-is-larger-than-its-guests", test_stage);
    return g_test_run();
}
