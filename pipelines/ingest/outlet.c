#include "pipelines/ingest/outlet.h"

#include "pipelines/common/program.h"
#include "pipelines/ingest/slate.h"

#include <gst/app/app.h>
#include <gst/rtp/gstrtpbuffer.h>
#include <gst/video/video.h>
#include <math.h>
#include <string.h>

#define VIDEO_GONE  (700 * GST_MSECOND) /* then the slate */
#define AUDIO_GONE  (400 * GST_MSECOND) /* then silence */
#define SLATE_STEP  (500 * GST_MSECOND)
#define REPORT_STEP GST_SECOND
#define EARLY_MAX   GST_SECOND       /* a source's time may be so far ahead of ours */
#define LATE_MAX    (3 * GST_SECOND) /* or behind, before it is laid on it anew */
#define SILENCE_MAX (200 * GST_MSECOND)
#define VIDEO_CLOCK 90000
#define NTP_EPOCH   G_GUINT64_CONSTANT(2208988800)

typedef struct {
    MnbOutlet *outlet;
    MnbOutletKind kind;
    GstElement *source, *sink;
    guint32 track; /* at the worker */
    guint32 ssrc;
    guint32 clock_rate;
    GstClockTime last;   /* end of what was put; NONE: nothing yet */
    GstClockTime heard;  /* our time of the last buffer of the source */
    GstClockTime report; /* our time of the last sender report */
} Lane;

struct MnbOutlet {
    GstElement *pipeline;
    MnbRing *ring;
    int width, height;
    gint64 start_us, start_unix_us; /* our time 0 on both clocks */
    Lane lanes[2];
    GMutex lock; /* of all below, and of the ring */
    gboolean is_live;
    gboolean is_mapped;
    gint64 offset; /* our time - the source's */
    guint8 level;  /* of the sound, -dBov */
    GstBuffer *slate;
};

static GstClockTime now_of(const MnbOutlet *outlet)
{
    return (GstClockTime)(g_get_monotonic_time() - outlet->start_us) * GST_USECOND;
}

/* ---- into the ring ---- */

/* The level goes into the packet here: opusenc drops the meta that GStreamer's own extension needs.
 * Returns: bytes of the packet, 0 when it does not fit. */
static gsize add_level(const MnbOutlet *outlet, guint8 *out, const guint8 *packet, gsize size)
{
    const guint8 extension[] = {0xbe,
                                0xde,
                                0,
                                1,
                                MNB_OUTLET_EXT_LEVEL << 4,
                                (guint8)((outlet->level < 50 ? 0x80 : 0) | outlet->level),
                                0,
                                0};
    if (size < 12 || size + sizeof extension > MNB_RING_PAYLOAD_MAX || packet[0] != 0x80)
        return 0;
    memcpy(out, packet, 12);
    out[0] |= 0x10;
    memcpy(out + 12, extension, sizeof extension);
    memcpy(out + 12 + sizeof extension, packet + 12, size - 12);
    return size + sizeof extension;
}

static GstFlowReturn on_packet(GstAppSink *sink, gpointer data)
{
    Lane *lane = data;
    MnbOutlet *outlet = lane->outlet;
    GstSample *sample = gst_app_sink_pull_sample(sink);
    GstMapInfo map;
    guint8 with_level[MNB_RING_PAYLOAD_MAX];
    if (sample == NULL)
        return GST_FLOW_EOS;
    if (gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ)) {
        g_mutex_lock(&outlet->lock);
        const guint8 *packet = map.data;
        gsize size = map.size;
        if (lane->kind == MNB_OUTLET_AUDIO) {
            size = add_level(outlet, with_level, map.data, map.size);
            packet = with_level;
        }
        if (outlet->is_live && size > 0) {
            MnbRingRecord record = {.size = (guint32)size,
                                    .kind = MNB_RING_RTP,
                                    .track = lane->track,
                                    .arrival_us = g_get_monotonic_time()};
            mnb_ring_put(outlet->ring, &record, packet);
            mnb_ring_flush(outlet->ring);
        }
        g_mutex_unlock(&outlet->lock);
        gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
    }
    gst_sample_unref(sample);
    return GST_FLOW_OK;
}

/* Both lanes count from our time 0, so one line through it tells all pairs of NTP and RTP time. */
static void put_report(MnbOutlet *outlet, Lane *lane, GstClockTime now)
{
    gint64 unix_us = outlet->start_unix_us + (gint64)(now / GST_USECOND);
    guint64 fraction = ((guint64)(unix_us % G_USEC_PER_SEC) << 32) / G_USEC_PER_SEC;
    MnbRingRecord record = {
        .kind = MNB_RING_SR,
        .track = lane->track,
        .value = (guint32)gst_util_uint64_scale(now, lane->clock_rate, GST_SECOND),
        .arrival_us = g_get_monotonic_time(),
        .ntp = (((guint64)(unix_us / G_USEC_PER_SEC) + NTP_EPOCH) << 32) + fraction,
    };
    mnb_ring_put(outlet->ring, &record, NULL);
    mnb_ring_flush(outlet->ring);
    lane->report = now;
}

/* ---- pictures and sound ---- */

static guint8 measure_level(const GstBuffer *buffer)
{
    GstMapInfo map;
    double sum = 0;
    if (!gst_buffer_map((GstBuffer *)buffer, &map, GST_MAP_READ))
        return 127;
    gsize n = map.size / sizeof(gint16);
    const gint16 *samples = (const gint16 *)(const void *)map.data;
    for (gsize i = 0; i < n; i++)
        sum += (double)samples[i] * samples[i];
    gst_buffer_unmap((GstBuffer *)buffer, &map);
    if (n == 0 || sum < 1)
        return 127;
    double db = 10 * log10(sum / (double)n / (32768.0 * 32768.0));
    return (guint8)CLAMP(-db, 0, 127);
}

/* @buffer: owned, taken, its time on our clock. The lock is not held: encoders may block. */
static void push(Lane *lane, GstBuffer *buffer)
{
    gst_app_src_push_buffer(GST_APP_SRC(lane->source), buffer);
}

/* Lays the source's @time on ours. FALSE: what was put already reaches further. */
static gboolean map_time(MnbOutlet *outlet, Lane *lane, GstClockTime time, GstClockTime now,
                         GstClockTime *mapped)
{
    gint64 ours = (gint64)time + outlet->offset;
    if (!outlet->is_mapped || ours > (gint64)(now + EARLY_MAX) ||
        ours + (gint64)LATE_MAX < (gint64)now) {
        outlet->offset = (gint64)now - (gint64)time;
        outlet->is_mapped = TRUE;
        ours = (gint64)now;
    }
    if (ours < 0 || (GST_CLOCK_TIME_IS_VALID(lane->last) && (GstClockTime)ours < lane->last))
        return FALSE;
    *mapped = (GstClockTime)ours;
    return TRUE;
}

void mnb_outlet_put(MnbOutlet *outlet, MnbOutletKind kind, GstBuffer *buffer)
{
    Lane *lane = &outlet->lanes[kind];
    GstClockTime now = now_of(outlet), mapped = 0;
    gboolean goes_on = FALSE;
    if (!GST_BUFFER_PTS_IS_VALID(buffer)) {
        gst_buffer_unref(buffer);
        return;
    }
    g_mutex_lock(&outlet->lock);
    lane->heard = now;
    if (outlet->is_live && map_time(outlet, lane, GST_BUFFER_PTS(buffer), now, &mapped)) {
        GstClockTime length =
            GST_BUFFER_DURATION_IS_VALID(buffer) ? GST_BUFFER_DURATION(buffer) : 0;
        lane->last = mapped + (kind == MNB_OUTLET_AUDIO ? length : GST_MSECOND);
        if (kind == MNB_OUTLET_AUDIO)
            outlet->level = measure_level(buffer);
        goes_on = TRUE;
    }
    g_mutex_unlock(&outlet->lock);
    if (!goes_on) {
        gst_buffer_unref(buffer);
        return;
    }
    buffer = gst_buffer_make_writable(buffer);
    GST_BUFFER_PTS(buffer) = mapped;
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    push(lane, buffer);
}

static void show_slate(MnbOutlet *outlet, gboolean is_now)
{
    Lane *lane = &outlet->lanes[MNB_OUTLET_VIDEO];
    GstClockTime now = now_of(outlet);
    g_mutex_lock(&outlet->lock);
    gboolean is_due =
        outlet->is_live && now > lane->heard + VIDEO_GONE &&
        (!GST_CLOCK_TIME_IS_VALID(lane->last) || now > lane->last) &&
        (is_now || !GST_CLOCK_TIME_IS_VALID(lane->last) || now >= lane->last + SLATE_STEP);
    if (is_due)
        lane->last = now;
    g_mutex_unlock(&outlet->lock);
    if (!is_due)
        return;
    GstBuffer *buffer = gst_buffer_copy(outlet->slate);
    GST_BUFFER_PTS(buffer) = now;
    push(lane, buffer);
}

static void fill_silence(MnbOutlet *outlet)
{
    Lane *lane = &outlet->lanes[MNB_OUTLET_AUDIO];
    GstClockTime now = now_of(outlet), from = 0, length = 0;
    g_mutex_lock(&outlet->lock);
    if (outlet->is_live && now > lane->heard + AUDIO_GONE) {
        from = GST_CLOCK_TIME_IS_VALID(lane->last) && now < lane->last + GST_SECOND
                   ? lane->last
                   : now - MIN(now, SILENCE_MAX / 2);
        if (from < now)
            length = (now - from) / (20 * GST_MSECOND) * (20 * GST_MSECOND);
        length = MIN(length, SILENCE_MAX);
        if (length > 0) {
            lane->last = from + length;
            outlet->level = 127;
        }
    }
    g_mutex_unlock(&outlet->lock);
    if (length == 0)
        return;
    gsize size = (gsize)gst_util_uint64_scale(length, MNB_OUTLET_RATE, GST_SECOND) *
                 MNB_OUTLET_CHANNELS * sizeof(gint16);
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, size, NULL);
    gst_buffer_memset(buffer, 0, 0, size);
    GST_BUFFER_PTS(buffer) = from;
    GST_BUFFER_DURATION(buffer) = length;
    push(lane, buffer);
}

/* ---- the pipeline ---- */

static GstElement *add(MnbOutlet *outlet, const char *factory, GError **error)
{
    GstElement *element = mnb_element_make(factory, NULL, error);
    if (element != NULL)
        gst_bin_add(GST_BIN(outlet->pipeline), element);
    return element;
}

static void set_up_vp8(GstElement *encoder, int bitrate_bps)
{
    g_object_set(encoder, "deadline", (gint64)1, "cpu-used", 8, "lag-in-frames", 0,
                 "keyframe-max-dist", 3000, "threads", 2, "max-quantizer", 56, "undershoot", 95,
                 "buffer-size", 1000, "buffer-initial-size", 500, "buffer-optimal-size", 600,
                 "target-bitrate", bitrate_bps, "error-resilient", 1, NULL);
    gst_util_set_object_arg(G_OBJECT(encoder), "end-usage", "cbr");
}

static gboolean build_lane(MnbOutlet *outlet, Lane *lane, const MnbOutletOptions *options,
                           GError **error)
{
    gboolean is_video = lane->kind == MNB_OUTLET_VIDEO;
    GstElement *encoder, *payloader;
    if ((lane->source = add(outlet, "appsrc", error)) == NULL ||
        (encoder = add(outlet, is_video ? "vp8enc" : "opusenc", error)) == NULL ||
        (payloader = add(outlet, is_video ? "rtpvp8pay" : "rtpopuspay", error)) == NULL ||
        (lane->sink = add(outlet, "appsink", error)) == NULL)
        return FALSE;
    g_autoptr(GstCaps) caps = mnb_outlet_caps(outlet, lane->kind);
    g_object_set(lane->source, "is-live", TRUE, "format", GST_FORMAT_TIME, "caps", caps,
                 "max-buffers", (guint64)(is_video ? 4 : 50), "max-bytes", (guint64)0, NULL);
    /* What the encoder cannot keep up with is lost here, and not delayed. */
    gst_util_set_object_arg(G_OBJECT(lane->source), "leaky-type", "downstream");
    g_object_set(payloader, "pt", is_video ? MNB_OUTLET_PT_VP8 : MNB_OUTLET_PT_OPUS, "mtu", 1200,
                 "ssrc", lane->ssrc, "timestamp-offset", 0, "perfect-rtptime", FALSE, NULL);
    if (is_video) {
        set_up_vp8(encoder, options->bitrate_bps);
        gst_util_set_object_arg(G_OBJECT(payloader), "picture-id-mode", "15-bit");
    } else {
        g_object_set(encoder, "bitrate", 48000, "inband-fec", TRUE, "packet-loss-percentage", 10,
                     NULL);
    }
    GstAppSinkCallbacks calls = {.new_sample = on_packet};
    gst_app_sink_set_callbacks(GST_APP_SINK(lane->sink), &calls, lane, NULL);
    g_object_set(lane->sink, "sync", FALSE, "async", FALSE, NULL);
    if (!gst_element_link_many(lane->source, encoder, payloader, lane->sink, NULL)) {
        g_set_error_literal(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "the encoders do not link");
        return FALSE;
    }
    return TRUE;
}

MnbOutlet *mnb_outlet_new(const MnbOutletOptions *options, MnbRing *ring, GError **error)
{
    MnbOutlet *outlet = g_new0(MnbOutlet, 1);
    g_mutex_init(&outlet->lock);
    outlet->ring = ring;
    outlet->width = options->width;
    outlet->height = options->height;
    outlet->start_us = g_get_monotonic_time();
    outlet->start_unix_us = g_get_real_time();
    outlet->level = 127;
    outlet->pipeline = gst_pipeline_new("outlet");
    for (guint i = 0; i < 2; i++) {
        Lane *lane = &outlet->lanes[i];
        lane->outlet = outlet;
        lane->kind = (MnbOutletKind)i;
        lane->ssrc = g_random_int() | 1;
        lane->clock_rate = i == MNB_OUTLET_VIDEO ? VIDEO_CLOCK : MNB_OUTLET_RATE;
        lane->last = GST_CLOCK_TIME_NONE;
        if (!build_lane(outlet, lane, options, error))
            goto fail;
    }
    outlet->slate = mnb_slate_new(options->width, options->height, options->name, error);
    if (outlet->slate == NULL)
        goto fail;
    if (gst_element_set_state(outlet->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
        g_set_error_literal(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "the encoders do not start");
        goto fail;
    }
    return outlet;
fail:
    mnb_outlet_free(outlet);
    return NULL;
}

void mnb_outlet_free(MnbOutlet *outlet)
{
    if (outlet == NULL)
        return;
    gst_element_set_state(outlet->pipeline, GST_STATE_NULL);
    gst_object_unref(outlet->pipeline);
    gst_clear_buffer(&outlet->slate);
    g_mutex_clear(&outlet->lock);
    g_free(outlet);
}

GstCaps *mnb_outlet_caps(const MnbOutlet *outlet, MnbOutletKind kind)
{
    if (kind == MNB_OUTLET_AUDIO)
        return gst_caps_new_simple("audio/x-raw", "format", G_TYPE_STRING, "S16LE", "rate",
                                   G_TYPE_INT, MNB_OUTLET_RATE, "channels", G_TYPE_INT,
                                   MNB_OUTLET_CHANNELS, "layout", G_TYPE_STRING, "interleaved",
                                   NULL);
    return gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT,
                               outlet->width, "height", G_TYPE_INT, outlet->height,
                               "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, "framerate",
                               GST_TYPE_FRACTION, MNB_OUTLET_FPS, 1, NULL);
}

void mnb_outlet_set_live(MnbOutlet *outlet, gboolean is_live, guint32 video, guint32 audio)
{
    GstClockTime now = now_of(outlet);
    g_mutex_lock(&outlet->lock);
    outlet->is_live = is_live;
    outlet->is_mapped = FALSE;
    outlet->lanes[MNB_OUTLET_VIDEO].track = video;
    outlet->lanes[MNB_OUTLET_AUDIO].track = audio;
    if (is_live)
        for (guint i = 0; i < 2; i++)
            put_report(outlet, &outlet->lanes[i], now);
    g_mutex_unlock(&outlet->lock);
    if (is_live)
        mnb_outlet_key_frame(outlet);
}

void mnb_outlet_begin(MnbOutlet *outlet)
{
    g_mutex_lock(&outlet->lock);
    outlet->is_mapped = FALSE;
    g_mutex_unlock(&outlet->lock);
}

void mnb_outlet_key_frame(MnbOutlet *outlet)
{
    gst_element_send_event(
        outlet->lanes[MNB_OUTLET_VIDEO].sink,
        gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
    show_slate(outlet, TRUE);
}

gboolean mnb_outlet_tick(MnbOutlet *outlet, GError **error)
{
    g_autoptr(GstBus) bus = gst_element_get_bus(outlet->pipeline);
    g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    if (message != NULL) {
        mnb_job_error_set_message(error, message);
        return FALSE;
    }
    show_slate(outlet, FALSE);
    fill_silence(outlet);
    GstClockTime now = now_of(outlet);
    g_mutex_lock(&outlet->lock);
    for (guint i = 0; i < 2 && outlet->is_live; i++)
        if (now >= outlet->lanes[i].report + REPORT_STEP)
            put_report(outlet, &outlet->lanes[i], now);
    g_mutex_unlock(&outlet->lock);
    return TRUE;
}
