#include "server/rooms/slots.h"
#include <string.h>

#define VP8  (1u << MNB_CODEC_VP8)
#define H264 (1u << MNB_CODEC_H264)
#define OPUS (1u << MNB_CODEC_OPUS)

static MnbSlotSource camera(guint32 id)
{
    return (MnbSlotSource){.id = id,
                           .source = MNB_SOURCE_CAMERA,
                           .codec = MNB_CODEC_VP8,
                           .wanted = MNB_NOT_WANTED,
                           .order = id};
}

static MnbSlotSource microphone(guint32 id)
{
    MnbSlotSource source = camera(id);
    source.source = MNB_SOURCE_MICROPHONE;
    source.codec = MNB_CODEC_OPUS;
    return source;
}

static void init_places(MnbSlotPlace *places, guint audio, guint video)
{
    for (guint i = 0; i < audio + video; i++)
        places[i] = (MnbSlotPlace){i >= audio, i >= audio ? VP8 : OPUS, 0};
}

static gboolean is_shown(const MnbSlotPlace *places, guint count, guint32 id)
{
    for (guint i = 0; i < count; i++)
        if (places[i].shown == id)
            return TRUE;
    return FALSE;
}

static void test_fill(void)
{
    MnbSlotPlace places[5];
    MnbSlotSource sources[] = {camera(1), microphone(2), camera(3)};
    init_places(places, 2, 3);
    g_assert_true(mnb_slots_assign(places, 5, sources, 3, MNB_VIEW_ALL));
    g_assert_cmpuint(places[0].shown, ==, 2);
    g_assert_cmpuint(places[1].shown, ==, 0);
    g_assert_cmpuint(places[2].shown, ==, 1);
    g_assert_cmpuint(places[3].shown, ==, 3);
    g_assert_false(mnb_slots_assign(places, 5, sources, 3, MNB_VIEW_ALL));
}

static void test_stable(void)
{
    MnbSlotPlace places[3];
    MnbSlotSource first[] = {camera(1), camera(2), camera(3)};
    init_places(places, 0, 3);
    mnb_slots_assign(places, 3, first, 3, MNB_VIEW_ALL);
    /* 1 goes, 4 comes: 2 and 3 stay where they are. */
    MnbSlotSource second[] = {camera(2), camera(3), camera(4)};
    mnb_slots_assign(places, 3, second, 3, MNB_VIEW_ALL);
    g_assert_cmpuint(places[0].shown, ==, 4);
    g_assert_cmpuint(places[1].shown, ==, 2);
    g_assert_cmpuint(places[2].shown, ==, 3);
    /* One who joined earlier comes back: nobody is pushed out for him. */
    MnbSlotSource third[] = {camera(1), camera(2), camera(3), camera(4)};
    g_assert_false(mnb_slots_assign(places, 3, third, 4, MNB_VIEW_ALL));
}

static void test_speaker(void)
{
    MnbSlotPlace places[2];
    MnbSlotSource sources[] = {camera(1), camera(2), camera(3)};
    init_places(places, 0, 2);
    mnb_slots_assign(places, 2, sources, 3, MNB_VIEW_ALL);
    sources[1].spoke_us = 50;
    sources[2].speaks = 1;
    sources[2].spoke_us = 100;
    g_assert_true(mnb_slots_assign(places, 2, sources, 3, MNB_VIEW_ALL));
    /* 3 speaks; of the two that are shown, who spoke last stays. */
    g_assert_cmpuint(places[0].shown, ==, 3);
    g_assert_cmpuint(places[1].shown, ==, 2);
    /* He stops: he stays, nothing moves. */
    sources[2].speaks = 0;
    g_assert_false(mnb_slots_assign(places, 2, sources, 3, MNB_VIEW_ALL));
}

static void test_screen_and_wanted(void)
{
    MnbSlotPlace places[2];
    MnbSlotSource sources[] = {camera(1), camera(2), camera(3), camera(4)};
    init_places(places, 0, 2);
    sources[3].source = MNB_SOURCE_SCREEN;
    sources[2].wanted = 0;
    sources[0].speaks = 1;
    mnb_slots_assign(places, 2, sources, 4, MNB_VIEW_ALL);
    g_assert_true(is_shown(places, 2, 4));
    g_assert_true(is_shown(places, 2, 3));
}

static void test_modes(void)
{
    MnbSlotPlace places[4];
    MnbSlotSource sources[] = {camera(1), camera(2), microphone(3), camera(4)};
    init_places(places, 1, 3);
    sources[1].wanted = 0;
    sources[3].source = MNB_SOURCE_SCREEN;
    mnb_slots_assign(places, 4, sources, 4, MNB_VIEW_ONE);
    g_assert_true(is_shown(places, 4, 2));
    g_assert_false(is_shown(places, 4, 1));
    g_assert_false(is_shown(places, 4, 4));
    g_assert_cmpuint(places[0].shown, ==, 3);
    mnb_slots_assign(places, 4, sources, 4, MNB_VIEW_AUDIO);
    g_assert_cmpuint(places[0].shown, ==, 3);
    for (guint i = 1; i < 4; i++)
        g_assert_cmpuint(places[i].shown, ==, 0);
}

static void test_codec(void)
{
    MnbSlotPlace places[2];
    MnbSlotSource sources[] = {camera(1), camera(2)};
    init_places(places, 0, 2);
    sources[0].codec = MNB_CODEC_H264;
    mnb_slots_assign(places, 2, sources, 2, MNB_VIEW_ALL);
    g_assert_false(is_shown(places, 2, 1));
    g_assert_true(is_shown(places, 2, 2));
    places[1].codecs = VP8 | H264;
    mnb_slots_assign(places, 2, sources, 2, MNB_VIEW_ALL);
    g_assert_cmpuint(places[1].shown, ==, 1);
}

static void test_loudest(void)
{
    MnbSlotPlace places[2];
    MnbSlotSource sources[] = {microphone(1), microphone(2), microphone(3), microphone(4)};
    init_places(places, 2, 0);
    mnb_slots_assign(places, 2, sources, 4, MNB_VIEW_ALL);
    sources[3].speaks = 1;
    sources[3].spoke_us = 10;
    mnb_slots_assign(places, 2, sources, 4, MNB_VIEW_ALL);
    g_assert_true(is_shown(places, 2, 4));
    /* 4 is silent and 3 speaks: 4, heard last, stays; the one that never spoke goes. */
    sources[3].speaks = 0;
    sources[2].speaks = 1;
    sources[2].spoke_us = 20;
    mnb_slots_assign(places, 2, sources, 4, MNB_VIEW_ALL);
    g_assert_true(is_shown(places, 2, 3));
    g_assert_true(is_shown(places, 2, 4));
}

/* Whatever happens: nobody twice, nobody in a slot that cannot play him, slots used while there is
 * somebody for them, and no change when nothing changed. */
static void test_random(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    MnbSlotPlace places[12];
    init_places(places, 4, 8);
    for (guint round = 0; round < 3000; round++) {
        MnbSlotSource sources[30];
        guint count = (guint)g_rand_int_range(rand, 0, 30);
        guint pictures = 0;
        for (guint i = 0; i < count; i++) {
            sources[i] = g_rand_boolean(rand) ? camera(i + 1) : microphone(i + 1);
            if (g_rand_int_range(rand, 0, 8) == 0)
                sources[i].speaks = (guint)g_rand_int_range(rand, 1, 4);
            if (g_rand_int_range(rand, 0, 8) == 0)
                sources[i].wanted = (guint)g_rand_int_range(rand, 0, 4);
            sources[i].spoke_us = g_rand_int_range(rand, 0, 5);
            pictures += sources[i].source != MNB_SOURCE_MICROPHONE;
        }
        mnb_slots_assign(places, 12, sources, count, MNB_VIEW_ALL);
        guint shown = 0;
        for (guint i = 0; i < 12; i++) {
            if (places[i].shown == 0)
                continue;
            g_assert_cmpuint(places[i].shown, <=, count);
            g_assert_true((sources[places[i].shown - 1].source != MNB_SOURCE_MICROPHONE) ==
                          places[i].is_video);
            shown += places[i].is_video;
            for (guint k = 0; k < i; k++)
                g_assert_cmpuint(places[k].shown, !=, places[i].shown);
        }
        g_assert_cmpuint(shown, ==, MIN(pictures, 8));
        g_assert_false(mnb_slots_assign(places, 12, sources, count, MNB_VIEW_ALL));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rooms/slots/fills-free-slots-in-order", test_fill);
    g_test_add_func("/rooms/slots/nobody-moves-when-others-come-and-go", test_stable);
    g_test_add_func("/rooms/slots/a-speaker-takes-the-place-of-the-longest-silent", test_speaker);
    g_test_add_func("/rooms/slots/screens-then-the-wanted-come-first", test_screen_and_wanted);
    g_test_add_func("/rooms/slots/one-picture-or-none", test_modes);
    g_test_add_func("/rooms/slots/shows-only-what-the-receiver-can-play", test_codec);
    g_test_add_func("/rooms/slots/the-loudest-are-heard", test_loudest);
    g_test_add_func("/rooms/slots/keeps-its-promises-at-random", test_random);
    return g_test_run();
}
