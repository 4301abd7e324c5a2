#include "tests/integration/pipelines/ingest-fixture.h"

#include <arpa/inet.h>
#include <gst/app/app.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

int test_free_port(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof name;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&name, size), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&name, &size), ==, 0);
    close(fd);
    return ntohs(name.sin_port);
}

static void make_decoder(TestIngest *ingest)
{
    ingest->decoder = gst_parse_launch(
        "appsrc name=in is-live=true format=time do-timestamp=true "
        "caps=application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96 ! "
        "rtpvp8depay ! vp8dec threads=1 ! videoconvert ! video/x-raw,format=GRAY8 ! "
        "appsink name=out sync=false",
        NULL);
    g_assert_nonnull(ingest->decoder);
    ingest->decoder_source = gst_bin_get_by_name(GST_BIN(ingest->decoder), "in");
    ingest->decoder_sink = gst_bin_get_by_name(GST_BIN(ingest->decoder), "out");
    gst_element_set_state(ingest->decoder, GST_STATE_PLAYING);
}

TestIngest *test_ingest_new(const char *start_fields)
{
    int error = 0;
    TestIngest *ingest = g_new0(TestIngest, 1);
    ingest->port = test_free_port();
    ingest->ring_fd = mnb_ring_create(1u << 20);
    ingest->event_fd = eventfd(0, EFD_NONBLOCK);
    ingest->ring = mnb_ring_open_consumer(ingest->ring_fd, ingest->event_fd, &error);
    g_assert_cmpint(error, ==, 0);
    g_autofree char *ring = g_strdup_printf("--ring-fd=%d", ingest->ring_fd);
    g_autofree char *bell = g_strdup_printf("--event-fd=%d", ingest->event_fd);
    const char *argv[] = {"manabi-ingest", ring, bell, NULL};
    ingest->program = test_program_start(argv, (int[]){ingest->ring_fd, ingest->event_fd, -1});
    make_decoder(ingest);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, INGEST_KEY, -1);
    g_autofree char *start =
        g_strdup_printf("{\"do\":\"start\",\"width\":640,\"height\":360,\"bitrate_bps\":600000,"
                        "\"name\":\"北九州 ごみ処理場\",%s}",
                        start_fields);
    g_autofree char *srt = g_strdup_printf(
        "{\"do\":\"start\",\"width\":640,\"height\":360,\"bitrate_bps\":600000,"
        "\"name\":\"北九州 ごみ処理場\",\"source\":\"srt\",\"address\":\"127.0.0.1\",\"port\":%d,"
        "\"latency_ms\":500,\"passphrase\":\"" INGEST_PASSPHRASE "\",\"key_sha256\":\"%s\"}",
        ingest->port, hash);
    test_program_say(ingest->program, start_fields != NULL ? start : srt);
    test_program_expect(ingest->program, "ready", 60);
    return ingest;
}

void test_ingest_free(TestIngest *ingest)
{
    test_program_say(ingest->program, "{\"do\":\"stop\"}");
    g_assert_cmpint(test_program_wait(ingest->program), ==, 0);
    test_program_free(ingest->program);
    mnb_ring_close(ingest->ring);
    close(ingest->ring_fd);
    close(ingest->event_fd);
    gst_element_set_state(ingest->decoder, GST_STATE_NULL);
    gst_object_unref(ingest->decoder_source);
    gst_object_unref(ingest->decoder_sink);
    gst_object_unref(ingest->decoder);
    g_free(ingest);
}

static void on_packet(TestIngest *ingest, const MnbRingRecord *record, const guint8 *packet)
{
    guint kind = record->track == INGEST_VIDEO ? 0 : 1;
    guint16 seq = (guint16)(packet[2] << 8 | packet[3]);
    g_assert_cmpuint(record->size, >, 12);
    if (ingest->packets[kind]++ > 0)
        ingest->lost[kind] += seq != ingest->next_seq[kind];
    ingest->next_seq[kind] = (guint16)(seq + 1);
    if (kind == 1) {
        g_assert_cmpuint(packet[0], ==, 0x90); /* with the level (RFC 6464) */
        ingest->level = packet[17] & 127;
        return;
    }
    /* VP8's descriptor with a 15-bit picture id is 4 bytes; S bit and partition 0 begin a frame, a
     * key frame has the lowest bit of its first byte 0 (RFC 7741). */
    if ((packet[12] & 0x1f) == 0x10 && (packet[16] & 1) == 0)
        ingest->keys++;
    GstBuffer *buffer = gst_buffer_new_memdup(packet, record->size);
    gst_app_src_push_buffer(GST_APP_SRC(ingest->decoder_source), buffer);
}

static void look_at(TestIngest *ingest, GstSample *sample)
{
    GstMapInfo map;
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
    guint bright = map.data[map.size / 4];
    gst_buffer_unmap(buffer, &map);
    if (bright > 150 && ingest->bright <= 150)
        ingest->turned_us = g_get_monotonic_time();
    ingest->bright = bright;
    ingest->pictures++;
}

void test_ingest_step(TestIngest *ingest)
{
    const MnbRingRecord *record;
    const guint8 *payload;
    int got;
    mnb_ring_drain(ingest->ring);
    while ((got = mnb_ring_take(ingest->ring, &record, &payload)) > 0) {
        guint kind = record->track == INGEST_VIDEO ? 0 : 1;
        if (record->kind == MNB_RING_SR)
            ingest->reports[kind]++;
        else if (record->kind == MNB_RING_RTP)
            on_packet(ingest, record, payload);
    }
    g_assert_cmpint(got, ==, 0);
    mnb_ring_release(ingest->ring);
    GstSample *sample =
        gst_app_sink_try_pull_sample(GST_APP_SINK(ingest->decoder_sink), 5 * GST_MSECOND);
    while (sample != NULL) {
        look_at(ingest, sample);
        gst_sample_unref(sample);
        sample = gst_app_sink_try_pull_sample(GST_APP_SINK(ingest->decoder_sink), 0);
    }
    test_program_count(ingest->program, "arriving"); /* reads what it said */
}

void test_ingest_fail(TestIngest *ingest, const char *what)
{
    for (guint i = 0; i < ingest->program->events->len; i++) {
        g_autofree char *text = json_dumps(g_ptr_array_index(ingest->program->events, i), 0);
        g_test_message("%s", text);
    }
    g_error("never: %s (video %u packets, %u keys, %u pictures, bright %u; audio %u packets, level "
            "-%u dB)",
            what, ingest->packets[0], ingest->keys, ingest->pictures, ingest->bright,
            ingest->packets[1], ingest->level);
}

void test_ingest_go_live(TestIngest *ingest)
{
    test_program_say(ingest->program, "{\"do\":\"live\",\"on\":true,\"video_track\":31,"
                                      "\"audio_track\":32}");
}

json_t *test_ingest_arriving(TestIngest *ingest)
{
    for (guint i = ingest->program->events->len; i > 0; i--) {
        json_t *event = g_ptr_array_index(ingest->program->events, i - 1);
        if (g_strcmp0(json_string_value(json_object_get(event, "event")), "arriving") == 0)
            return event;
    }
    return NULL;
}

const char *test_ingest_trouble(TestIngest *ingest)
{
    const char *trouble =
        json_string_value(json_object_get(test_ingest_arriving(ingest), "trouble"));
    return trouble != NULL ? trouble : "";
}

gboolean test_ingest_is_connected(TestIngest *ingest)
{
    return json_is_true(json_object_get(test_ingest_arriving(ingest), "is_connected"));
}

TestSender *test_sender_launch(const char *text)
{
    g_autoptr(GError) error = NULL;
    TestSender *sender = g_new0(TestSender, 1);
    sender->pipeline = gst_parse_launch(text, &error);
    g_assert_no_error(error);
    sender->toggle = gst_bin_get_by_name(GST_BIN(sender->pipeline), "eye");
    gst_element_set_state(sender->pipeline, GST_STATE_PLAYING);
    return sender;
}

TestSender *test_sender_srt(int port, const char *key, const char *passphrase, const char *media)
{
    g_autofree char *text = g_strdup_printf(
        "mpegtsmux name=mux alignment=7 ! srtsink name=sink mode=caller wait-for-connection=false "
        "auto-reconnect=false localport=0 uri=srt://127.0.0.1:%d streamid=%s passphrase=\"%s\" "
        "pbkeylen=16 latency=500 sync=false %s",
        port, key, passphrase, media);
    return test_sender_launch(text);
}

void test_sender_turn(TestSender *sender, gboolean is_white)
{
    if (is_white && !sender->is_white)
        sender->turned_us = g_get_monotonic_time();
    sender->is_white = is_white;
    g_object_set(sender->toggle, "brightness", is_white ? 1.0 : 0.0, NULL);
}

gboolean test_sender_has_failed(TestSender *sender)
{
    g_autoptr(GstBus) bus = gst_element_get_bus(sender->pipeline);
    g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
    return message != NULL;
}

void test_sender_stop(TestSender *sender)
{
    gst_element_set_state(sender->pipeline, GST_STATE_NULL);
    gst_clear_object(&sender->toggle);
    gst_object_unref(sender->pipeline);
    g_free(sender);
}
