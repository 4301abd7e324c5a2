#include "pipelines/compose/canvas.h"

#define WIDTH  16
#define HEIGHT 8

typedef struct {
    guint8 y[WIDTH * HEIGHT], u[WIDTH * HEIGHT / 4], v[WIDTH * HEIGHT / 4];
} Samples;

static MnbPicture picture_of(Samples *samples, MnbColour colour)
{
    MnbPicture picture = {
        WIDTH, HEIGHT, {samples->y, samples->u, samples->v}, {WIDTH, WIDTH / 2, WIDTH / 2}};
    mnb_canvas_fill(&picture, &(MnbRect){0, 0, WIDTH, HEIGHT}, colour);
    return picture;
}

static void writes_white_over_what_shines_through(void)
{
    Samples below, letters;
    MnbPicture canvas = picture_of(&below, (MnbColour){200, 90, 60});
    MnbPicture text = picture_of(&letters, (MnbColour){16, 128, 128});
    mnb_canvas_fill(&text, &(MnbRect){6, 0, 2, 4}, (MnbColour){235, 128, 128});
    mnb_canvas_write(&canvas, &(MnbRect){2, 2, 6, 4}, &text, 4);
    /* the letter: white, without colour */
    g_assert_cmpint(below.y[2 * WIDTH + 4], ==, 235);
    g_assert_cmpint(below.u[1 * WIDTH / 2 + 2], ==, 128);
    g_assert_cmpint(below.v[1 * WIDTH / 2 + 2], ==, 128);
    /* beside it: darker than it was, with its colour, not black */
    g_assert_cmpint(below.y[2 * WIDTH + 2], >, 40);
    g_assert_cmpint(below.y[2 * WIDTH + 2], <, 120);
    g_assert_cmpint(below.v[1 * WIDTH / 2 + 1], <, 128);
    /* around it: as it was */
    g_assert_cmpint(below.y[1 * WIDTH + 4], ==, 200);
    g_assert_cmpint(below.y[2 * WIDTH + 8], ==, 200);
    g_assert_cmpint(below.y[6 * WIDTH + 4], ==, 200);
}

static void stays_inside_both_pictures(void)
{
    Samples below, letters;
    MnbPicture canvas = picture_of(&below, (MnbColour){200, 90, 60});
    MnbPicture text = picture_of(&letters, (MnbColour){16, 128, 128});
    mnb_canvas_write(&canvas, &(MnbRect){10, 4, 100, 100}, &text, 0);
    g_assert_cmpint(below.y[7 * WIDTH + 15], <, 200);
    mnb_canvas_write(&canvas, &(MnbRect){0, 0, 100, 100}, &text, WIDTH - 2);
    g_assert_cmpint(below.y[1], <, 200);
    g_assert_cmpint(below.y[2], ==, 200);
    mnb_canvas_write(&canvas, &(MnbRect){0, 0, 100, 100}, &text, WIDTH);
    mnb_canvas_write(&canvas, &(MnbRect){WIDTH, HEIGHT, 4, 4}, &text, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/canvas/writes-white-over-what-shines-through",
                    writes_white_over_what_shines_through);
    g_test_add_func("/canvas/stays-inside-both-pictures", stays_inside_both_pictures);
    return g_test_run();
}
