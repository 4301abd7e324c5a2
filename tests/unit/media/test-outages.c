/* Lines that fail altogether for a while, change their address, or belong to somebody who harms
 * himself: what comes back, how soon, and that others do not notice. */
#include "tests/unit/media/line-world.h"
#include <unistd.h>

static const UdpLineSide quiet_line = {.delay_us = 20000};
static const UdpLineSide dead_line = {.delay_us = 20000, .loss_permille = 1000};

static void with_sound_repair(World *w)
{
    w->is_audio_nack = true;
}

static World *start(void)
{
    World *w = world_new(with_sound_repair);
    world_bind(w, SLOT_AUDIO, TRACK_AUDIO, 0);
    world_bind(w, SLOT_VIDEO, TRACK_LAYER + LAYERS - 1, 0);
    world_set_down(w, quiet_line, 20000);
    world_run(w, 5 * SECOND_US);
    return w;
}

static unsigned kbit_of(World *w, int64_t us)
{
    uint64_t before = w->video.bytes;
    world_run(w, us);
    return (unsigned)((w->video.bytes - before) * 8000 / (uint64_t)us);
}

/* Until sound and a picture that a decoder can use have come. Returns: how long it took. */
static int64_t wait_for_media(World *w)
{
    int64_t start_us = w->rig->now_us;
    uint64_t sound = w->sound.bytes, video = w->video.bytes;
    while ((w->sound.bytes == sound || w->video.bytes == video) &&
           w->rig->now_us < start_us + 30 * SECOND_US)
        world_run(w, SECOND_US / 50);
    return w->rig->now_us - start_us;
}

static void test_blackout(gconstpointer data)
{
    int64_t seconds = GPOINTER_TO_INT(data);
    World *w = start();
    udp_line_set(w->down, &dead_line, &dead_line);
    world_run(w, seconds * SECOND_US);
    udp_line_set(w->down, &quiet_line, &quiet_line);
    int64_t back_us = wait_for_media(w);
    g_test_message("after %d s without a packet: media back after %d ms", (int)seconds,
                   (int)(back_us / 1000));
    g_assert_cmpuint(rig_state(w->rig, 2, NULL), !=, MNB_TRANSPORT_CLOSED);
    g_assert_cmpint(back_us, <, 2 * SECOND_US);
    world_run(w, 8 * SECOND_US);
    unsigned kbit = kbit_of(w, 2 * SECOND_US);
    g_test_message("8 s later: %u kbit/s", kbit);
    g_assert_cmpuint(kbit, >, 1200);
    world_free(w);
}

/* Three packets in ten are lost for 20 s: nobody is dropped, and what is said is heard. */
static void test_heavy_loss(void)
{
    World *w = start();
    UdpLineSide bad = {.delay_us = 20000, .loss_permille = 300};
    udp_line_set(w->down, &bad, &bad);
    world_run(w, 2 * SECOND_US);
    sink_reset(&w->sound);
    world_run(w, 18 * SECOND_US);
    unsigned lost = missing(&w->sound, 25);
    g_test_message("30 %% lost each way: %u of %u sounds missing", lost, w->sound.sequence);
    g_assert_cmpuint(w->sound.sequence, >, 800);
    g_assert_cmpuint(lost * 100, <=, w->sound.sequence * 8);
    g_assert_cmpuint(rig_state(w->rig, 2, NULL), !=, MNB_TRANSPORT_CLOSED);
    world_free(w);
}

/* Another address: by a nominated check (Chromium), and with new credentials (ICE restart). */
static void test_address_change(gconstpointer data)
{
    bool is_restart = GPOINTER_TO_INT(data) != 0;
    World *w = start();
    if (is_restart) {
        MnbTransportRestart restart = {.transport = 2, .remote_ufrag = "them2"};
        g_strlcpy(restart.ufrag, "aanewufrag000001", sizeof restart.ufrag);
        g_strlcpy(restart.pwd, "newpasswordnewpasswordnewpass", sizeof restart.pwd);
        rig_command(w->rig, MNB_MEDIA_TRANSPORT_RESTART, &restart);
        g_strlcpy(w->receiver->ufrag, restart.ufrag, sizeof w->receiver->ufrag);
        g_strlcpy(w->receiver->pwd, restart.pwd, sizeof w->receiver->pwd);
    }
    close(peer_move(w->receiver));
    w->report_us = w->rig->now_us + 5 * SECOND_US; /* its checks are sent here */
    peer_check(w->receiver, true);
    int64_t back_us = wait_for_media(w);
    g_test_message("media at the new address %d ms after the first check", (int)(back_us / 1000));
    g_assert_cmpint(back_us, <, SECOND_US * 3 / 10);
    g_assert_cmpuint(rig_state(w->rig, 2, NULL), ==, MNB_TRANSPORT_CONNECTED);
    g_assert_cmpuint(kbit_of(w, 3 * SECOND_US), >, 1200);
    world_free(w);
}

static void send_remb(World *w, uint64_t bps)
{
    uint8_t data[200];
    uint32_t ssrc = SLOT_SSRC;
    MnbRtcpWriter writer;
    mnb_rtcp_begin(&writer, data, 100);
    mnb_rtcp_put_remb(&writer, 1, bps, &ssrc, 1);
    peer_send_rtcp(w->receiver, &writer);
}

static void without_feedback(World *w)
{
    w->has_twcc = false;
}

/* Who says that his line takes nothing gets the sound, and the picture again when he says so; the
 * publisher and the other receivers are not told. */
static void test_remb_of_nothing(void)
{
    World *w = world_new(without_feedback);
    Peer *other = peer_new(w->rig, 3, 7, MNB_RECEIVE, false);
    add_video_slot(w->rig, 30, 3, 9301);
    g_assert_true(peer_connect(other));
    world_bind(w, 30, TRACK_LAYER + 2, 0);
    world_bind(w, SLOT_AUDIO, TRACK_AUDIO, 0);
    world_bind(w, SLOT_VIDEO, TRACK_LAYER + 2, 0);
    world_set_down(w, quiet_line, 20000);
    world_run(w, 4 * SECOND_US);
    peer_poll(other);
    peer_forget(other);
    sink_reset(&w->sound);
    send_remb(w, 0);
    world_run(w, SECOND_US);
    uint64_t bytes = w->video.bytes;
    unsigned got = 0;
    peer_poll(other);
    peer_forget(other);
    for (unsigned i = 0; i < 300; i++) { /* and again and again */
        send_remb(w, i % 2 == 0 ? 0 : 1);
        world_run(w, SECOND_US / 100);
        peer_poll(other);
        got += peer_count(other, 9301);
        peer_forget(other);
        if (i % 100 == 0)
            peer_check(other, true);
    }
    g_test_message("REMB 0: %u bytes of picture, %u of %u sounds lost, another receiver got %u",
                   (unsigned)(w->video.bytes - bytes), missing(&w->sound, 20), w->sound.sequence,
                   got);
    g_assert_cmpuint(w->video.bytes - bytes, <, 5000);
    g_assert_cmpuint(missing(&w->sound, 20), ==, 0);
    g_assert_cmpuint(got, >, 300);
    send_remb(w, 5000000);
    world_run(w, 2 * SECOND_US);
    g_assert_cmpuint(kbit_of(w, 2 * SECOND_US), >, 1300);
    peer_free(other);
    world_free(w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/outages/three-seconds-without-a-packet", GINT_TO_POINTER(3),
                         test_blackout);
    g_test_add_data_func("/outages/ten-seconds-without-a-packet", GINT_TO_POINTER(10),
                         test_blackout);
    g_test_add_data_func("/outages/twenty-seconds-without-a-packet", GINT_TO_POINTER(20),
                         test_blackout);
    g_test_add_func("/outages/what-is-said-survives-a-loss-of-30-percent", test_heavy_loss);
    g_test_add_data_func("/outages/another-address-by-a-nominated-check", GINT_TO_POINTER(0),
                         test_address_change);
    g_test_add_data_func("/outages/another-address-with-an-ice-restart", GINT_TO_POINTER(1),
                         test_address_change);
    g_test_add_func("/outages/a-remb-of-nothing-harms-its-sender-only", test_remb_of_nothing);
    return g_test_run();
}
