/* A worker and a receiver with a bad line between them: what is repaired, what is let go, and how
 * soon. Targets are those of docs/media.md. */
#include "tests/unit/media/line-world.h"

enum { KBIT = 1000 };

static void as_one_layer(World *w)
{
    w->only_top = true;
}

static void as_old_receiver(World *w)
{
    w->has_twcc = false;
}

static void with_sound_repair(World *w)
{
    w->is_audio_nack = true;
}

static World *start(void (*setup)(World *w))
{
    World *w = world_new(setup);
    world_bind(w, SLOT_AUDIO, TRACK_AUDIO, 0);
    world_bind(w, SLOT_VIDEO, TRACK_LAYER + LAYERS - 1, 0);
    return w;
}

static unsigned kbit_of(World *w, Sink *sink, int64_t us)
{
    uint64_t before = sink->bytes;
    world_run(w, us);
    return (unsigned)((sink->bytes - before) * 8000 / (uint64_t)us);
}

static const MnbTransportStats *stats_of(const World *w)
{
    for (unsigned i = w->rig->n_events; i-- > 0;) {
        const MnbTransportStats *stats = (const void *)w->rig->events[i].body;
        if (w->rig->events[i].type == MNB_MEDIA_TRANSPORT_STATS && stats->transport == 2)
            return stats;
    }
    return NULL;
}

static unsigned slot_state(const World *w, uint32_t slot)
{
    for (unsigned i = w->rig->n_events; i-- > 0;) {
        const MnbSlotState *state = (const void *)w->rig->events[i].body;
        if (w->rig->events[i].type == MNB_MEDIA_SLOT_STATE && state->slot == slot)
            return state->state;
    }
    return MNB_SLOT_IN_FULL;
}

static void test_good_line(void)
{
    World *w = start(NULL);
    world_set_down(w, (UdpLineSide){.delay_us = 20000}, 20000);
    world_run(w, 3 * SECOND_US);
    g_assert_cmpuint(kbit_of(w, &w->video, 4 * SECOND_US), >, 1400);
    g_assert_cmpuint(missing(&w->video, 50), ==, 0);
    g_assert_cmpuint(w->video.bad_steps, ==, 0);
    g_assert_cmpuint(stats_of(w)->quality, ==, MNB_LINE_GOOD);
    g_assert_cmpuint(stats_of(w)->paused + stats_of(w)->reduced, ==, 0);
    world_free(w);
}

/* A camera without layers that sends more than what a line is first trusted with, to a line that
 * takes it. */
static void as_large_camera(World *w)
{
    w->only_top = true;
    w->top_bps = 3500 * KBIT;
}

static void test_large(void)
{
    World *w = world_new(as_large_camera);
    world_set_down(w, (UdpLineSide){.delay_us = 20000}, 20000);
    world_bind(w, SLOT_AUDIO, TRACK_AUDIO, 0);
    world_bind(w, SLOT_VIDEO, TRACK_LAYER + LAYERS - 1, 0);
    world_run(w, 5 * SECOND_US);
    unsigned n = rig_count(w->rig, MNB_MEDIA_SLOT_STATE);
    unsigned kbit = kbit_of(w, &w->video, SECOND_US);
    g_test_message("%u changes, %u kbit/s, estimate %u", n, kbit, stats_of(w)->estimate_bps);
    g_assert_cmpuint(n, ==, 0);
    g_assert_cmpuint(kbit, >, 3200);
    world_free(w);
}

/* Loss down, a round trip of 80 ms. */
static void test_loss(void)
{
    static const struct {
        unsigned permille;
        double residual;
    } cases[] = {{10, 0.0001}, {50, 0.001}, {100, 0.005}, {200, 0.02}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        World *w = start(as_one_layer);
        world_run(w, SECOND_US);
        world_set_down(w, (UdpLineSide){.delay_us = 40000, .loss_permille = cases[i].permille},
                       40000);
        world_run(w, 12 * SECOND_US); /* learns that the loss is the line's own */
        sink_reset(&w->video);
        world_run(w, 15 * SECOND_US);
        double lost = (double)missing(&w->video, 200) / w->video.sequence;
        double extra = (double)w->video.rtx_bytes / (double)w->video.bytes;
        g_test_message("loss %u permille: residual %.4f %%, rtx %.1f %%, %u packets", //
                       cases[i].permille, lost * 100, extra * 100, w->video.sequence);
        g_assert_cmpuint(w->video.sequence, >, 2000);
        g_assert_cmpfloat(lost, <=, cases[i].residual);
        g_assert_cmpfloat(extra, <=, 2.5 * cases[i].permille / 1000.0);
        world_free(w);
    }
}

/* Sound has no RTX; it is repaired all the same. */
static void test_sound_loss(void)
{
    World *w = start(with_sound_repair);
    world_run(w, SECOND_US);
    world_set_down(w, (UdpLineSide){.delay_us = 40000, .loss_permille = 100}, 40000);
    world_run(w, 8 * SECOND_US);
    sink_reset(&w->sound);
    world_run(w, 30 * SECOND_US);
    g_test_message("10 %% of %u sounds lost, %u missing after repair", w->sound.sequence,
                   missing(&w->sound, 50));
    g_assert_cmpuint(w->sound.sequence, >, 1400);
    g_assert_cmpuint(missing(&w->sound, 50) * 200, <=, w->sound.sequence); /* 0.5 % */
    g_assert_cmpuint(w->receiver->bad_packets, <=, 200); /* repairs of what came late */
    world_free(w);
}

/* 3 Mbit/s, then 600 kbit/s, then 3 Mbit/s, with a queue of 200 ms. */
static void test_bottleneck(void)
{
    World *w = start(NULL);
    UdpLineSide wide = {.delay_us = 30000, .rate_bps = 3000 * KBIT, .queue_us = 200000};
    UdpLineSide narrow = wide;
    narrow.rate_bps = 600 * KBIT;
    world_set_down(w, wide, 30000);
    world_run(w, 8 * SECOND_US);
    g_assert_cmpuint(kbit_of(w, &w->video, 2 * SECOND_US), >, 1400);

    world_set_down(w, narrow, 30000);
    int64_t start_us = w->rig->now_us;
    while (slot_state(w, SLOT_VIDEO) == MNB_SLOT_IN_FULL &&
           w->rig->now_us < start_us + 10 * SECOND_US)
        world_run(w, SECOND_US / 50);
    int64_t down_us = w->rig->now_us - start_us;
    world_run(w, SECOND_US / 4);
    while (udp_line_counters(w->down, false)->queue_us > 100000 &&
           w->rig->now_us < start_us + 10 * SECOND_US)
        world_run(w, SECOND_US / 50);
    int64_t empty_us = w->rig->now_us - start_us;
    world_run(w, start_us + 3 * SECOND_US - w->rig->now_us);
    uint64_t switches = mnb_worker_stats(w->rig->worker)->switches;
    sink_reset(&w->sound);
    unsigned kbit = kbit_of(w, &w->video, 25 * SECOND_US);
    switches = mnb_worker_stats(w->rig->worker)->switches - switches;
    unsigned lost = missing(&w->sound, 50);
    g_test_message("down after %d ms, queue below 100 ms after %d ms; then %u kbit/s, %u switches "
                   "in 25 s, %u of %u sounds lost",
                   (int)(down_us / 1000), (int)(empty_us / 1000), kbit, (unsigned)switches, lost,
                   w->sound.sequence);
    g_assert_cmpint(down_us, <, 2 * SECOND_US);
    g_assert_cmpint(empty_us, <, 3 * SECOND_US);
    g_assert_cmpuint(switches, <=, 2);
    g_assert_cmpuint(lost * 100, <, w->sound.sequence);
    g_assert_cmpuint(kbit, >, 100);
    g_assert_cmpuint(stats_of(w)->quality, ==, MNB_LINE_WEAK);

    world_set_down(w, wide, 30000);
    start_us = w->rig->now_us;
    while (slot_state(w, SLOT_VIDEO) != MNB_SLOT_IN_FULL &&
           w->rig->now_us < start_us + 20 * SECOND_US)
        world_run(w, SECOND_US / 50);
    int64_t up_us = w->rig->now_us - start_us;
    g_test_message("up after %d ms", (int)(up_us / 1000));
    g_assert_cmpint(up_us, <, 8 * SECOND_US);
    g_assert_cmpuint(kbit_of(w, &w->video, 4 * SECOND_US), >, 1300);
    g_assert_cmpuint(w->video.bad_steps, ==, 0);
    world_free(w);
}

/* Only sound fits: the picture pauses, and the sound is whole. */
static void test_sound_first(void)
{
    World *w = start(NULL);
    world_set_down(w, (UdpLineSide){.delay_us = 30000, .rate_bps = 120 * KBIT, .queue_us = 200000},
                   30000);
    world_run(w, 12 * SECOND_US);
    sink_reset(&w->sound);
    world_run(w, 20 * SECOND_US);
    g_test_message("%u of %u sounds lost", missing(&w->sound, 50), w->sound.sequence);
    g_assert_cmpuint(missing(&w->sound, 50) * 100, <, w->sound.sequence);
    g_assert_cmpuint(slot_state(w, SLOT_VIDEO), ==, MNB_SLOT_PAUSED);
    g_assert_cmpuint(stats_of(w)->quality, ==, MNB_LINE_FAILING);
    world_free(w);
}

static void with_temporal(World *w)
{
    w->has_temporal = true;
}

/* Between the smallest picture and none there are fewer pictures a second. */
static void test_temporal(void)
{
    World *w = start(with_temporal);
    world_set_down(w, (UdpLineSide){.delay_us = 20000}, 20000);
    world_run(w, 5 * SECOND_US);
    g_assert_cmpuint(kbit_of(w, &w->video, 2 * SECOND_US), >, 1300);
    g_assert_cmpuint(w->video.n_tids[2], >, 0);
    static const unsigned limits[] = {260, 185, 110, 0}; /* with sound of 48 kbit/s */
    static const int highest[] = {2, 1, 0, 2};
    for (unsigned i = 0; i < 4; i++) {
        MnbTransportLimit limit = {2, limits[i] * KBIT};
        rig_command(w->rig, MNB_MEDIA_TRANSPORT_LIMIT, &limit);
        world_run(w, 3 * SECOND_US);
        sink_reset(&w->video);
        unsigned kbit = kbit_of(w, &w->video, 4 * SECOND_US);
        g_test_message("limit %u kbit/s: picture %u kbit/s, packets by layer %u %u %u, %u broken",
                       limits[i], kbit, w->video.n_tids[0], w->video.n_tids[1], w->video.n_tids[2],
                       broken_steps(&w->video));
        g_assert_cmpuint(w->video.n_tids[0], >, 20);
        for (int tid = 1; tid <= 2; tid++)
            g_assert_true((w->video.n_tids[tid] > 0) == (tid <= highest[i]));
        g_assert_cmpuint(missing(&w->video, 0), ==, 0);
        g_assert_cmpuint(broken_steps(&w->video), ==, 0);
        g_assert_cmpuint(w->video.bad_steps, ==, 0);
    }
    /* repairs of what goes on find their places, too */
    MnbTransportLimit limit = {2, 185 * KBIT};
    rig_command(w->rig, MNB_MEDIA_TRANSPORT_LIMIT, &limit);
    world_set_down(w, (UdpLineSide){.delay_us = 20000, .loss_permille = 50}, 20000);
    world_run(w, 5 * SECOND_US);
    sink_reset(&w->video);
    world_run(w, 20 * SECOND_US);
    g_test_message("5 %% loss, fewer pictures: %u packets, %u repaired, %u missing, %u broken",
                   w->video.sequence, w->video.repairs, missing(&w->video, 20),
                   broken_steps(&w->video));
    g_assert_cmpuint(w->video.repairs, >, 3);
    g_assert_cmpuint(missing(&w->video, 20), ==, 0);
    g_assert_cmpuint(broken_steps(&w->video), ==, 0);
    world_free(w);
}

/* What she chose herself binds at once, and is no fault of the line. */
static void test_limit(void)
{
    World *w = start(NULL);
    world_set_down(w, (UdpLineSide){.delay_us = 20000}, 20000);
    world_run(w, 4 * SECOND_US);
    MnbTransportLimit limit = {2, 800 * KBIT};
    rig_command(w->rig, MNB_MEDIA_TRANSPORT_LIMIT, &limit);
    g_assert_cmpuint(slot_state(w, SLOT_VIDEO), ==, MNB_SLOT_REDUCED);
    world_run(w, SECOND_US);
    unsigned kbit = kbit_of(w, &w->video, 3 * SECOND_US);
    g_assert_cmpuint(kbit, >, 400);
    g_assert_cmpuint(kbit, <, 700);
    g_assert_cmpuint(stats_of(w)->quality, ==, MNB_LINE_GOOD);
    limit.limit_bps = 100 * KBIT;
    rig_command(w->rig, MNB_MEDIA_TRANSPORT_LIMIT, &limit);
    g_assert_cmpuint(slot_state(w, SLOT_VIDEO), ==, MNB_SLOT_PAUSED_LIMIT);
    world_run(w, SECOND_US / 2);
    g_assert_cmpuint(kbit_of(w, &w->video, 3 * SECOND_US), ==, 0);
    g_assert_cmpuint(kbit_of(w, &w->sound, 2 * SECOND_US), >, 25);
    limit.limit_bps = 0;
    rig_command(w->rig, MNB_MEDIA_TRANSPORT_LIMIT, &limit);
    g_assert_cmpuint(slot_state(w, SLOT_VIDEO), ==, MNB_SLOT_IN_FULL);
    world_run(w, 2 * SECOND_US);
    g_assert_cmpuint(kbit_of(w, &w->video, 3 * SECOND_US), >, 1300);
    g_assert_cmpuint(w->video.bad_steps, ==, 0);
    world_free(w);
}

/* Jitter of 30 ms, 2 % reordered, 1 % doubled, both ways: nothing is asked for that was not lost.
 */
static void test_jitter(void)
{
    World *w = start(NULL);
    UdpLineSide side = {.delay_us = 40000,
                        .jitter_us = 30000,
                        .reorder_permille = 20,
                        .reorder_us = 5000,
                        .duplicate_permille = 10};
    udp_line_set(w->up, &side, &side);
    udp_line_set(w->down, &side, &side);
    world_run(w, 8 * SECOND_US);
    w->nacks_up = 0;
    uint64_t reordered = udp_line_counters(w->up, true)->reordered;
    sink_reset(&w->video);
    world_run(w, 15 * SECOND_US);
    reordered = udp_line_counters(w->up, true)->reordered - reordered;
    g_test_message("%u asked for of %u reordered; %u duplicates delivered", w->nacks_up,
                   (unsigned)reordered, w->video.duplicates);
    g_assert_cmpuint(w->nacks_up * 100, <=, reordered * 3);
    g_assert_cmpuint(w->video.duplicates, ==, 0);
    g_assert_cmpuint(missing(&w->video, 100), ==, 0);
    g_assert_cmpuint(slot_state(w, SLOT_VIDEO), ==, MNB_SLOT_IN_FULL);
    g_assert_cmpuint(w->receiver->bad_packets, <=,
                     udp_line_counters(w->down, false)->duplicated + 1); /* her own replay check */
    world_free(w);
}

/* Loss up, single and in threes: asked for once for all, and whole for the receiver. */
static void test_loss_up(void)
{
    World *w = start(as_one_layer);
    world_run(w, 2 * SECOND_US);
    UdpLineSide up = {.delay_us = 20000, .loss_permille = 20, .loss_burst = 3};
    UdpLineSide down = {.delay_us = 20000};
    udp_line_set(w->up, &up, &down);
    uint64_t lost = udp_line_counters(w->up, true)->lost;
    w->nacks_up = 0;
    sink_reset(&w->video);
    world_run(w, 15 * SECOND_US);
    lost = udp_line_counters(w->up, true)->lost - lost;
    g_test_message("%u asked for, %u lost; %u of %u missing", w->nacks_up, (unsigned)lost,
                   missing(&w->video, 100), w->video.sequence);
    g_assert_cmpuint(lost, >, 80);
    g_assert_cmpuint(w->nacks_up * 10, <=, lost * 13);
    g_assert_cmpuint(missing(&w->video, 100) * 1000, <=, w->video.sequence);
    world_free(w);
}

/* No transport feedback: receiver reports tell of the loss. */
static void test_old_receiver(void)
{
    World *w = start(as_old_receiver);
    world_set_down(w, (UdpLineSide){.delay_us = 30000}, 30000);
    world_run(w, 4 * SECOND_US);
    g_assert_cmpuint(kbit_of(w, &w->video, 2 * SECOND_US), >, 1400);
    world_set_down(w, (UdpLineSide){.delay_us = 30000, .rate_bps = 700 * KBIT, .queue_us = 100000},
                   30000);
    world_run(w,
              40 * SECOND_US); /* nothing but trying tells whether more goes; less and less often */
    sink_reset(&w->sound);
    unsigned kbit = kbit_of(w, &w->video, 60 * SECOND_US);
    g_test_message("%u kbit/s by reports, %u of %u sounds lost", kbit, missing(&w->sound, 50),
                   w->sound.sequence);
    g_assert_cmpuint(kbit, <, 700);
    /* Each trial that finds the end costs 26 sounds: a minute holds enough of them to be no chance.
     */
    g_assert_cmpuint(missing(&w->sound, 50) * 20, <, w->sound.sequence);
    world_free(w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/line/a-good-one-takes-everything", test_good_line);
    g_test_add_func("/line/a-large-camera-gets-through", test_large);
    g_test_add_func("/line/loss-down-is-repaired", test_loss);
    g_test_add_func("/line/lost-sound-is-repaired-without-rtx", test_sound_loss);
    g_test_add_func("/line/loss-up-is-repaired-once", test_loss_up);
    g_test_add_func("/line/a-bottleneck-is-followed-down-and-up", test_bottleneck);
    g_test_add_func("/line/sound-comes-before-pictures", test_sound_first);
    g_test_add_func("/line/fewer-pictures-a-second-before-none", test_temporal);
    g_test_add_func("/line/a-choice-binds-at-once", test_limit);
    g_test_add_func("/line/jitter-and-reordering-ask-for-nothing", test_jitter);
    g_test_add_func("/line/reports-do-where-there-is-no-transport-feedback", test_old_receiver);
    return g_test_run();
}
