/* manabi-record, fed with real RTP through a real ring. */
#include "pipelines/common/leaks.h"
#include "tests/integration/pipelines/record-fixture.h"

#include <gst/gst.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

MNB_LEAKS_NOT_LOOKED_FOR;

#define VIDEO 7
#define AUDIO 8
#define S     G_USEC_PER_SEC

static gint64 time_at(GArray *times, guint i)
{
    g_assert_cmpuint(i, <, times->len);
    return g_array_index(times, gint64, i);
}

static guint frames_of(GArray *packets)
{
    guint n = 0;
    for (guint i = 0; i < packets->len; i++)
        n += i == 0 || test_rtp_time(&g_array_index(packets, TestPacket, i)) !=
                           test_rtp_time(&g_array_index(packets, TestPacket, i - 1));
    return n;
}

static void report_all(TestRecord *record, guint32 track, GArray *packets, guint i)
{
    const TestPacket *packet = &g_array_index(packets, TestPacket, i);
    test_record_report(record, track, packet->at_us, test_rtp_time(packet));
}

static void on_every_frame(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) video = test_rtp_vp8(6, 320, 180, 2, 1111);
    g_autoptr(GArray) audio = test_rtp_opus(6, 2222);
    test_record_start(record, 1);
    test_record_add(record, VIDEO, "vp8", 96, "p1");
    test_record_add(record, AUDIO, "opus", 111, "p1");
    test_record_put_all(record, 2, (guint32[]){VIDEO, AUDIO}, (GArray *[]){video, audio},
                        (gint64[]){20000, 20000}, 0);
    json_t *stopped = test_record_stop(record);
    g_assert_cmpuint(json_array_size(json_object_get(stopped, "tracks")), ==, 2);
    g_autofree char *video_path = test_record_path(record, "tracks/p1-p1-video.mkv");
    g_autofree char *audio_path = test_record_path(record, "tracks/p1-p1-audio.mkv");
    g_autoptr(GArray) video_times = test_packet_times(video_path, "v:0", FALSE);
    g_autoptr(GArray) audio_times = test_packet_times(audio_path, "a:0", FALSE);
    g_assert_cmpuint(video_times->len, ==, frames_of(video));
    g_assert_cmpuint(audio_times->len, ==, audio->len);
    json_t *part = test_record_part(record, 1);
    g_assert_cmpstr(test_str(part, "state"), ==, "complete");
    g_assert_cmpstr(test_str(json_array_get(json_object_get(part, "tracks"), 0), "name"), ==,
                    "鈴木 p1");
    json_decref(part);
    test_record_free(record);
}

static void on_kill(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) video = test_rtp_vp8(10, 320, 180, 3, 1111);
    g_autoptr(GArray) audio = test_rtp_opus(10, 2222);
    test_record_start(record, 1);
    test_record_add(record, VIDEO, "vp8", 96, "p1");
    test_record_add(record, AUDIO, "opus", 111, "p1");
    test_record_put_all(record, 2, (guint32[]){VIDEO, AUDIO}, (GArray *[]){video, audio},
                        (gint64[]){20000, 20000}, 0);
    test_record_drain(record);
    test_program_kill(record->program, SIGKILL);
    g_assert_cmpint(test_program_wait(record->program), ==, -SIGKILL);

    g_autofree char *dir = g_strdup_printf("--dir=%s", record->dir);
    const char *argv[] = {"manabi-record", "--repair", dir, NULL};
    for (int n = 0; n < 2; n++) { /* the second time there is nothing to do */
        TestProgram *repair = test_program_start(argv, NULL);
        g_assert_cmpint(test_program_wait(repair), ==, 0);
        g_assert_cmpuint(test_program_count(repair, "repaired"), ==, n == 0 ? 2 : 0);
        test_program_free(repair);
    }
    g_autofree char *video_path = test_record_path(record, "tracks/p1-p1-video.mkv");
    g_autofree char *audio_path = test_record_path(record, "tracks/p1-p1-audio.mkv");
    g_autoptr(GArray) video_times = test_packet_times(video_path, "v:0", FALSE);
    g_autoptr(GArray) audio_times = test_packet_times(audio_path, "a:0", FALSE);
    g_test_message("kept %u of %u frames, %u of %u sounds", video_times->len, frames_of(video),
                   audio_times->len, audio->len);
    g_assert_cmpuint(video_times->len + 25, >=, frames_of(video));
    g_assert_cmpuint(audio_times->len + 50, >=, audio->len);
    /* The start stays where it was: both began 20 ms after time 0. */
    g_assert_cmpint(ABS(time_at(video_times, 0) - time_at(audio_times, 0)), <=, 5000);
    /* A player can seek in it: ffmpeg finds the index and the duration, and decodes without a word.
     */
    g_autofree char *said =
        test_shell("ffmpeg -v warning -ss 5 -i '%s' -t 1 -f null - 2>&1", video_path);
    g_assert_cmpstr(said, ==, "");
    json_t *part = test_record_part(record, 1);
    g_assert_cmpstr(test_str(part, "state"), ==, "repaired");
    json_decref(part);
    test_record_free(record);
}

/* One stream of an hour: the same packet again and again, on a clock of its own. */
typedef struct {
    guint32 track;
    guint rate;
    gint64 step_us;   /* true time between two packets */
    gint64 drift_ppm; /* of its publisher's clock */
    gint64 epoch_us;  /* what that clock says at true time 0 */
    gint64 delay_us;  /* of the network, at least */
    guint32 rtp_base;
    GBytes *model; /* borrowed */
    guint n;
} HourStream;

static gint64 clock_of(const HourStream *stream, gint64 true_us)
{
    return stream->epoch_us + true_us + true_us / 1000 * stream->drift_ppm / 1000;
}

static guint32 rtp_of(const HourStream *stream, gint64 true_us)
{
    gint64 clock_us = clock_of(stream, true_us) - stream->epoch_us;
    return stream->rtp_base + (guint32)(clock_us * stream->rate / S);
}

static void put_next(TestRecord *record, HourStream *stream, GRand *rand)
{
    gsize size;
    gint64 true_us = stream->n * stream->step_us;
    const void *bytes = g_bytes_get_data(stream->model, &size);
    guint8 *copy = g_memdup2(bytes, size);
    GST_WRITE_UINT16_BE(copy + 2, (guint16)stream->n);
    GST_WRITE_UINT32_BE(copy + 4, rtp_of(stream, true_us));
    TestPacket packet = {true_us, g_bytes_new_take(copy, size)};
    if (true_us % (5 * S) == 0)
        test_record_report_of(record, stream->track, true_us, clock_of(stream, true_us),
                              rtp_of(stream, true_us));
    /* Jitter up to 40 ms, but never out of order, as from a queue. */
    test_record_put(record, stream->track, &packet, 0,
                    stream->delay_us + g_rand_int_range(rand, 0, 40000));
    g_bytes_unref(packet.packet);
    stream->n++;
}

static const TestPacket *whole_frame(GArray *packets)
{
    const TestPacket *first = &g_array_index(packets, TestPacket, 0);
    gsize size;
    const guint8 *bytes = g_bytes_get_data(first->packet, &size);
    g_assert_true((bytes[1] & 0x80) != 0); /* the marker: all of the picture is in one packet */
    return first;
}

/* A flash and a beep each 10 s for an hour, seen and heard by one peer, heard by another: the three
 * files say the same moment for it, though the two clocks run apart by half a second meanwhile. */
static void on_hour(void)
{
    enum { HOUR_S = 3600, EVENT_S = 10 };
    TestRecord *record = test_record_new();
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    g_autoptr(GArray) video = test_rtp_vp8(1, 64, 48, 1, 1111);
    g_autoptr(GArray) audio = test_rtp_opus(1, 2222);
    GBytes *sound = g_array_index(audio, TestPacket, 0).packet;
    HourStream streams[] = {
        {VIDEO, 90000, S / 5, 70, 0, 30000, 0xfffffff0, whole_frame(video)->packet, 0},
        {AUDIO, 48000, S / 10, 70, 0, 22000, 77, sound, 0},
        {9, 48000, S / 10, -70, 9000 * (gint64)S, 25000, 0x80000000, sound, 0},
    };
    test_record_start(record, 1);
    test_record_add(record, VIDEO, "vp8", 96, "p1");
    test_record_add(record, AUDIO, "opus", 111, "p1");
    test_record_add(record, 9, "opus", 111, "p2");
    for (gint64 true_us = 0; true_us <= HOUR_S * (gint64)S; true_us += S / 10)
        for (guint i = 0; i < G_N_ELEMENTS(streams); i++)
            if (streams[i].n * streams[i].step_us <= true_us)
                put_next(record, &streams[i], rand);
    test_record_flush(record);
    test_record_stop(record);
    GArray *times[3] = {NULL};
    const char *files[] = {"tracks/p1-p1-video.mkv", "tracks/p1-p1-audio.mkv",
                           "tracks/p1-p2-audio.mkv"};
    for (guint i = 0; i < 3; i++) {
        g_autofree char *path = test_record_path(record, files[i]);
        times[i] = test_packet_times(path, i == 0 ? "v:0" : "a:0", FALSE);
        g_assert_cmpuint(times[i]->len, ==, streams[i].n);
    }
    gint64 worst_us = 0;
    for (guint s = EVENT_S; s <= HOUR_S; s += EVENT_S) {
        gint64 flash = time_at(times[0], 5 * s);
        gint64 beep = time_at(times[1], 10 * s), other = time_at(times[2], 10 * s);
        worst_us =
            MAX(worst_us, MAX(ABS(flash - beep), MAX(ABS(flash - other), ABS(beep - other))));
    }
    g_test_message("flash and beep of two peers over an hour: at most %d us apart", (int)worst_us);
    g_assert_cmpint(worst_us, <=, 40000);
    for (guint i = 0; i < 3; i++)
        g_clear_pointer(&times[i], g_array_unref);
    test_record_free(record);
}

/* Who takes his consent back is taken out: his file, and his entry. */
static void on_forget(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) audio = test_rtp_opus(2, 2222);
    g_autoptr(GArray) other = test_rtp_opus(2, 3333);
    test_record_start(record, 1);
    test_record_add(record, AUDIO, "opus", 111, "p1");
    test_record_add(record, 9, "opus", 111, "p2");
    test_record_put_all(record, 2, (guint32[]){AUDIO, 9}, (GArray *[]){audio, other},
                        (gint64[]){20000, 20000}, 0);
    test_record_stop(record);
    g_autofree char *gone = test_record_path(record, "tracks/p1-p2-audio.mkv");
    g_autofree char *kept = test_record_path(record, "tracks/p1-p1-audio.mkv");
    g_assert_true(g_file_test(gone, G_FILE_TEST_EXISTS));
    g_autofree char *dir = g_strdup_printf("--dir=%s", record->dir);
    const char *argv[] = {"manabi-record", "--repair", dir, "--forget", "p2", NULL};
    TestProgram *repair = test_program_start(argv, NULL);
    g_assert_cmpint(test_program_wait(repair), ==, 0);
    test_program_free(repair);
    g_assert_false(g_file_test(gone, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_test(kept, G_FILE_TEST_EXISTS));
    json_t *part = test_record_part(record, 1);
    char *text = json_dumps(part, 0);
    g_assert_null(strstr(text, "p2"));
    free(text);
    json_decref(part);
    test_record_free(record);
}

/* Sound arrives 400 ms late; the sender reports know better. */
static void on_late_sound(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) video = test_rtp_vp8(6, 320, 180, 2, 1111);
    g_autoptr(GArray) audio = test_rtp_opus(6, 2222);
    test_record_start(record, 1);
    test_record_add(record, VIDEO, "vp8", 96, "p1");
    test_record_add(record, AUDIO, "opus", 111, "p1");
    report_all(record, VIDEO, video, 0);
    report_all(record, AUDIO, audio, 0);
    test_record_put_all(record, 2, (guint32[]){VIDEO, AUDIO}, (GArray *[]){video, audio},
                        (gint64[]){20000, 420000}, 0);
    test_record_stop(record);
    g_autofree char *video_path = test_record_path(record, "tracks/p1-p1-video.mkv");
    g_autofree char *audio_path = test_record_path(record, "tracks/p1-p1-audio.mkv");
    g_autoptr(GArray) video_times = test_packet_times(video_path, "v:0", FALSE);
    g_autoptr(GArray) audio_times = test_packet_times(audio_path, "a:0", FALSE);
    g_assert_cmpuint(audio_times->len, ==, audio->len);
    gint64 first_us = time_at(video_times, 0) - time_at(audio_times, 0);
    gint64 apart_us = 4 * S - g_array_index(audio, TestPacket, 200).at_us; /* opusenc's lookahead */
    gint64 last_us = time_at(video_times, 100) - time_at(audio_times, 200) - apart_us;
    g_test_message("off by %d us at first, %d us at second 4", (int)first_us, (int)last_us);
    g_assert_cmpint(ABS(first_us), <=, 5000);
    g_assert_cmpint(ABS(last_us), <=, 5000);
    test_record_free(record);
}

/* VP9 has no sizes in its RTP caps; its packets must still come out whole. */
static void on_vp9(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) video = test_rtp_make("videotestsrc num-buffers=75 pattern=ball ! "
                                            "video/x-raw,width=320,height=180,framerate=25/1 ! "
                                            "vp9enc deadline=1 cpu-used=8 lag-in-frames=0 "
                                            "keyframe-max-dist=25 ! rtpvp9pay mtu=1200 pt=98");
    test_record_start(record, 1);
    test_record_add(record, VIDEO, "vp9", 98, "p1");
    test_record_put_all(record, 1, (guint32[]){VIDEO}, &video, (gint64[]){20000}, 0);
    test_record_stop(record);
    g_autofree char *path = test_record_path(record, "tracks/p1-p1-video.mkv");
    g_autofree char *frames = test_shell(
        "ffprobe -v error -count_frames -show_entries stream=width,nb_read_frames -of csv=p=0 '%s'",
        path);
    g_assert_cmpstr(g_strstrip(frames), ==, "320,75");
    test_record_free(record);
}

static void on_picture_sizes(gconstpointer codec)
{
    gboolean is_vp8 = strcmp(codec, "vp8") == 0;
    GArray *(*make)(int, int, int, int, guint32) = is_vp8 ? test_rtp_vp8 : test_rtp_h264;
    TestRecord *record = test_record_new();
    g_autoptr(GArray) small = make(2, 320, 180, 1, 1111);
    g_autoptr(GArray) large = make(2, 640, 360, 1, 1111);
    test_record_start(record, 1);
    test_record_add(record, VIDEO, codec, is_vp8 ? 96 : 102, "p1");
    test_rtp_number(small, 0);
    test_rtp_number(large, (guint16)small->len);
    test_record_put_all(record, 1, (guint32[]){VIDEO}, &small, (gint64[]){20000}, 0);
    test_record_put_all(record, 1, (guint32[]){VIDEO}, &large, (gint64[]){20000}, 2 * S);
    test_rtp_number(small, (guint16)(small->len + large->len));
    test_record_put_all(record, 1, (guint32[]){VIDEO}, &small, (gint64[]){20000}, 4 * S);
    json_t *stopped = test_record_stop(record);
    json_t *tracks = json_object_get(stopped, "tracks");
    guint total = 0;
    g_assert_cmpuint(json_array_size(tracks), ==, is_vp8 ? 1 : 3);
    for (gsize i = 0; i < json_array_size(tracks); i++) {
        json_t *track = json_array_get(tracks, i);
        g_autofree char *path = test_record_path(record, test_str(track, "file"));
        g_autoptr(GArray) times = test_packet_times(path, "v:0", FALSE);
        g_autofree char *frames = test_shell(
            "ffprobe -v error -count_frames -show_entries stream=nb_read_frames -of csv=p=0 '%s'",
            path);
        g_test_message("%s: %u packets, %s frames", path, times->len, g_strstrip(frames));
        g_assert_cmpuint((guint)atoi(frames), ==, times->len);
        g_assert_cmpint(ABS(time_at(times, 0) - test_int(track, "offset_us")), <, 2000);
        total += times->len;
    }
    g_assert_cmpuint(total, ==, 2 * frames_of(small) + frames_of(large));
    test_record_free(record);
}

/* 8 s of nothing, with a new SSRC after it; then the RTP clock stands still over another hole. */
static void on_mute(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) before = test_rtp_opus(2, 2222);
    g_autoptr(GArray) after = test_rtp_opus(2, 3333);
    test_record_start(record, 1);
    test_record_add(record, AUDIO, "opus", 111, "p1");
    test_record_put_all(record, 1, (guint32[]){AUDIO}, &before, (gint64[]){20000}, 0);
    test_record_put_all(record, 1, (guint32[]){AUDIO}, &after, (gint64[]){20000}, 10 * S);
    test_record_stop(record);
    g_autofree char *path = test_record_path(record, "tracks/p1-p1-audio.mkv");
    g_autoptr(GArray) times = test_packet_times(path, "a:0", FALSE);
    g_assert_cmpuint(times->len, ==, before->len + after->len);
    gint64 hole_us = time_at(times, before->len) - time_at(times, 0);
    g_assert_cmpint(ABS(hole_us - 10 * S), <, 40000);
    test_record_free(record);
}

static void on_loss(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) video = test_rtp_vp8(6, 320, 180, 1, 1111);
    test_record_start(record, 1);
    test_record_add(record, VIDEO, "vp8", 96, "p1");
    guint lost = 0;
    for (guint i = 0; i < video->len; i++) {
        /* Every 50th is lost, every 7th pair arrives in the wrong order. */
        guint at = i % 14 == 6 ? i + 1 : i % 14 == 7 ? i - 1 : i;
        if (at >= video->len)
            at = i;
        if (at % 50 == 20) {
            lost++;
            continue;
        }
        test_record_put(record, VIDEO, &g_array_index(video, TestPacket, at), 0, 20000);
    }
    mnb_ring_flush(record->ring);
    test_program_expect(record->program, "need-key-frame", 5);
    json_t *stopped = test_record_stop(record);
    json_t *track = json_array_get(json_object_get(stopped, "tracks"), 0);
    g_assert_cmpint(test_int(track, "lost_packets"), ==, lost);
    g_autofree char *path = test_record_path(record, "tracks/p1-p1-video.mkv");
    g_autoptr(GArray) times = test_packet_times(path, "v:0", FALSE);
    g_test_message("%u packets lost, %u of %u frames kept", lost, times->len, frames_of(video));
    g_assert_cmpuint(times->len + lost * 2 + 2, >=, frames_of(video));
    test_record_free(record);
}

/* What a recorder that died has not taken out of the ring, the next one writes. */
static void on_second_part(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) audio = test_rtp_opus(2, 2222);
    test_record_start(record, 1);
    test_program_kill(record->program, SIGKILL);
    test_program_wait(record->program);
    test_program_free(g_steal_pointer(&record->program));
    record->start_us = g_get_monotonic_time() - 2 * S;
    test_record_put_all(record, 1, (guint32[]){AUDIO}, &audio, (gint64[]){0}, 0);
    test_record_start(record, 2);
    g_assert_cmpint(ABS(g_get_monotonic_time() - 2 * S - record->start_us), <, S);
    test_record_add(record, AUDIO, "opus", 111, "p1");
    test_record_stop(record);
    g_autofree char *path = test_record_path(record, "tracks/p2-p1-audio.mkv");
    g_autoptr(GArray) times = test_packet_times(path, "a:0", FALSE);
    g_assert_cmpuint(times->len, ==, audio->len);
    test_record_free(record);
}

static void on_hostile(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autoptr(GArray) video = test_rtp_h264(3, 320, 180, 1, 1111);
    g_autoptr(GArray) other = test_rtp_vp8(3, 320, 180, 1, 1112);
    test_record_start(record, 1);
    test_program_say(record->program, "{\"do\":\"add-track\",\"track\":1}");
    test_program_say(record->program, "not JSON at all");
    test_program_say(record->program,
                     "{\"do\":\"add-track\",\"track\":9,\"kind\":\"video\",\"codec\":\"vp8\","
                     "\"clock_rate\":90000,\"payload_type\":96,\"peer\":\"x\",\"file\":\"../x\"}");
    test_program_expect(record->program, "warning", 5);
    test_program_expect(record->program, "warning", 5);
    test_program_expect(record->program, "warning", 5);
    test_record_add(record, VIDEO, "h264", 102, "p1");
    test_record_add(record, AUDIO, "vp8", 96, "p2");
    for (guint i = 0; i < MAX(video->len, other->len); i++) {
        for (int k = 0; k < 2; k++) {
            GArray *from = k == 0 ? video : other;
            if (i >= from->len)
                continue;
            TestPacket *packet = &g_array_index(from, TestPacket, i);
            gsize size;
            const guint8 *bytes = g_bytes_get_data(packet->packet, &size);
            g_autofree guint8 *changed = g_memdup2(bytes, size);
            if (i % 6 == 5) /* any byte but those of the sequence number */
                changed[g_rand_int_range(rand, 12, (gint32)size)] ^=
                    (guint8)g_rand_int_range(rand, 1, 256);
            if (k == 0 && i % 20 == 10)
                changed[12] = 0x1a; /* MTAP16 ends rtph264depay when it gets there */
            TestPacket bad = {packet->at_us, g_bytes_new(changed, i % 31 == 30 ? size / 2 : size)};
            test_record_put(record, k == 0 ? VIDEO : AUDIO, &bad, 0, 20000);
            g_bytes_unref(bad.packet);
        }
    }
    mnb_ring_flush(record->ring);
    /* Afterwards it still records. */
    g_autoptr(GArray) good = test_rtp_vp8(2, 320, 180, 1, 4444);
    test_record_put_all(record, 1, (guint32[]){AUDIO}, &good, (gint64[]){20000}, 4 * S);
    test_record_stop(record);
    g_autofree char *path = test_record_path(record, "tracks/p1-p2-video.mkv");
    g_autoptr(GArray) times = test_packet_times(path, "v:0", FALSE);
    guint n_good = 0;
    for (guint i = 0; i < times->len; i++)
        n_good += time_at(times, i) >= 4 * S;
    g_assert_cmpuint(n_good, ==, frames_of(good));
    test_record_free(record);
}

/* A file system of 64 MiB fills up while it records and is emptied again. */
static void on_full_disk(void)
{
    TestRecord *record = test_record_new();
    if (mount("tmpfs", record->dir, "tmpfs", 0, "size=64m") != 0) {
        g_test_skip("only root can mount a small file system");
        test_record_free(record);
        return;
    }
    g_autoptr(GArray) audio = test_rtp_opus(2, 2222);
    g_autoptr(GArray) dropped = test_rtp_opus(2, 3333);
    g_autoptr(GArray) later = test_rtp_opus(2, 4444);
    test_record_start(record, 1);
    test_record_add(record, AUDIO, "opus", 111, "p1");
    test_record_put_all(record, 1, (guint32[]){AUDIO}, &audio, (gint64[]){0}, 0);
    test_program_expect(record->program, "track-file", 5);
    g_autofree char *filler = test_record_path(record, "filler");
    g_free(test_shell("head -c 30000000 /dev/zero > '%s'", filler));
    test_program_expect(record->program, "disk-full", 5);
    json_t *closed = test_program_expect(record->program, "track-closed", 5);
    g_autofree char *first = test_record_path(record, test_str(closed, "file"));
    g_autoptr(GArray) kept = test_packet_times(first, "a:0", FALSE);
    g_assert_cmpuint(kept->len, ==, audio->len);
    test_record_put_all(record, 1, (guint32[]){AUDIO}, &dropped, (gint64[]){0}, 2 * S);
    mount("tmpfs", record->dir, "tmpfs", MS_REMOUNT, "size=200m"); /* space returns */
    test_program_expect(record->program, "disk-free", 5);
    test_record_put_all(record, 1, (guint32[]){AUDIO}, &later, (gint64[]){0}, 4 * S);
    json_t *opened = test_program_expect(record->program, "track-file", 5);
    g_assert_cmpint(test_int(opened, "offset_us"), >=, 4 * S - 100000);
    test_record_stop(record);
    g_autofree char *second = test_record_path(record, test_str(opened, "file"));
    g_autoptr(GArray) again = test_packet_times(second, "a:0", FALSE);
    g_assert_cmpuint(again->len, ==, later->len);
    umount2(record->dir, MNT_DETACH);
    test_record_free(record);
}

static void on_gone_manager(void)
{
    TestRecord *record = test_record_new();
    g_autoptr(GArray) audio = test_rtp_opus(1, 2222);
    test_record_start(record, 1);
    test_record_add(record, AUDIO, "opus", 111, "p1");
    test_record_put_all(record, 1, (guint32[]){AUDIO}, &audio, (gint64[]){0}, 0);
    test_program_expect(record->program, "track-file", 5);
    close(record->program->input);
    record->program->input = -1;
    test_program_expect(record->program, "stopped", 10);
    g_assert_cmpint(test_program_wait(record->program), ==, 0);
    json_t *part = test_record_part(record, 1);
    g_assert_cmpstr(test_str(part, "state"), ==, "complete");
    json_decref(part);
    test_record_free(record);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    gst_init(NULL, NULL);
    g_test_add_func("/pipelines/record/keeps-every-frame", on_every_frame);
    g_test_add_func("/pipelines/record/loses-at-most-a-second-by-kill-and-repairs", on_kill);
    g_test_add_func("/pipelines/record/flash-and-beep-of-two-peers-meet-for-an-hour", on_hour);
    g_test_add_func("/pipelines/record/forgets-who-takes-his-consent-back", on_forget);
    g_test_add_func("/pipelines/record/lines-sound-up-by-sender-reports", on_late_sound);
    g_test_add_data_func("/pipelines/record/goes-on-in-the-same-file-when-vp8-changes-size", "vp8",
                         on_picture_sizes);
    g_test_add_data_func("/pipelines/record/begins-a-new-file-when-h264-changes-size", "h264",
                         on_picture_sizes);
    g_test_add_func("/pipelines/record/records-vp9", on_vp9);
    g_test_add_func("/pipelines/record/keeps-the-time-over-mute-and-a-new-ssrc", on_mute);
    g_test_add_func("/pipelines/record/counts-what-is-lost-and-asks-for-a-key-frame", on_loss);
    g_test_add_func("/pipelines/record/takes-over-what-waits-in-the-ring", on_second_part);
    g_test_add_func("/pipelines/record/outlives-bad-commands-and-bad-packets", on_hostile);
    g_test_add_func("/pipelines/record/closes-its-files-on-a-full-disk-and-goes-on", on_full_disk);
    g_test_add_func("/pipelines/record/finishes-when-its-manager-is-gone", on_gone_manager);
    return g_test_run();
}
