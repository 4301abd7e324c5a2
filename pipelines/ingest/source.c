#include "pipelines/ingest/source.h"

#include "pipelines/common/program.h"
#include "pipelines/ingest/stream-key.h"

#include <string.h>

#define HANDSHAKE_US (3 * G_USEC_PER_SEC) /* of SRT: then whoever had the right key has failed */
#define PATIENCE_US  (6 * G_USEC_PER_SEC) /* before it is said that there is no picture */
#define SILENCE_US   (8 * G_USEC_PER_SEC) /* RTMP, RTSP: nothing comes: connect anew */

struct MnbSource {
    MnbSourceConfig config;
    MnbOutlet *outlet;
    MnbSourceEnded ended;
    gpointer data;
    GstElement *pipeline;
    GstElement *source;
    guint watch;
    MnbBranchState states[2];

    gint is_connected; /* atomic */
    gint64 connected_us;
    gint64 pending_us; /* atomic: an encoder with the right key is in its handshake; 0: none */
    guint64 bytes;     /* atomic */
    guint64 reported_bytes;
    gint64 heard_us, reported_us;
    gint reported_frames;
    guint64 packets, lost; /* of SRT, at the last report */
};

/* ---- SRT: who may come in ---- */

static void refuse(const char *code)
{
    mnb_lines_emit(json_pack("{s:s, s:s}", "event", "refused", "code", code));
}

static gint64 load(const gint64 *value)
{
    return __atomic_load_n(value, __ATOMIC_RELAXED);
}

static void store(gint64 *place, gint64 value)
{
    __atomic_store_n(place, value, __ATOMIC_RELAXED);
}

/* In a thread of libsrt. One encoder at a time: the first is not thrown out by who has its key. */
static gboolean on_connecting(GstElement *element, gpointer address, const char *stream_id,
                              gpointer data)
{
    MnbSource *self = data;
    gint64 now_us = g_get_monotonic_time(), pending_us = load(&self->pending_us);
    (void)element;
    (void)address;
    if (!mnb_stream_key_is(stream_id, self->config.key_hash)) {
        refuse("wrong-key");
        return FALSE;
    }
    if (g_atomic_int_get(&self->is_connected) ||
        (pending_us != 0 && now_us - pending_us < HANDSHAKE_US)) {
        refuse("in-use");
        return FALSE;
    }
    store(&self->pending_us, now_us);
    return TRUE;
}

static void on_caller_added(GstElement *element, gint socket, gpointer address, gpointer data)
{
    MnbSource *self = data;
    (void)element;
    (void)socket;
    (void)address;
    store(&self->pending_us, 0);
    store(&self->connected_us, g_get_monotonic_time());
    mnb_outlet_begin(self->outlet);
    g_atomic_int_set(&self->is_connected, 1);
}

static void on_caller_removed(GstElement *element, gint socket, gpointer address, gpointer data)
{
    MnbSource *self = data;
    (void)element;
    (void)socket;
    (void)address;
    g_atomic_int_set(&self->is_connected, 0);
}

/* ---- pipelines ---- */

static GstPadProbeReturn on_bytes(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    MnbSource *self = data;
    gsize size = (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) != 0
                     ? gst_buffer_list_calculate_size(GST_PAD_PROBE_INFO_BUFFER_LIST(info))
                     : gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info));
    (void)pad;
    __atomic_fetch_add(&self->bytes, size, __ATOMIC_RELAXED);
    store(&self->heard_us, g_get_monotonic_time());
    if (self->config.kind != MNB_SOURCE_SRT && !g_atomic_int_get(&self->is_connected)) {
        store(&self->connected_us, g_get_monotonic_time());
        mnb_outlet_begin(self->outlet);
        g_atomic_int_set(&self->is_connected, 1);
    }
    return GST_PAD_PROBE_OK;
}

static void count_bytes(MnbSource *self, GstPad *pad)
{
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_bytes,
                      self, NULL);
}

static void on_pad(GstElement *element, GstPad *pad, gpointer data)
{
    MnbSource *self = data;
    g_autoptr(GError) error = NULL;
    if (self->config.kind == MNB_SOURCE_RTSP)
        count_bytes(self, pad);
    if (!mnb_branch_join(GST_BIN(self->pipeline), pad, self->outlet, self->states, &error))
        GST_ELEMENT_ERROR(element, STREAM, FAILED, ("%s", error->message), (NULL));
}

static GstElement *make_srt(MnbSource *self, GError **error)
{
    GstElement *source = mnb_element_make("srtsrc", NULL, error);
    if (source == NULL)
        return NULL;
    gst_util_set_object_arg(G_OBJECT(source), "mode", "listener");
    gst_util_set_object_arg(G_OBJECT(source), "pbkeylen", "16");
    g_object_set(source, "localaddress", self->config.address, "localport", self->config.port,
                 "latency", self->config.latency_ms, "passphrase", self->config.passphrase,
                 "authentication", TRUE, "keep-listening", FALSE, "poll-timeout", 500, NULL);
    g_signal_connect(source, "caller-connecting", G_CALLBACK(on_connecting), self);
    g_signal_connect(source, "caller-added", G_CALLBACK(on_caller_added), self);
    g_signal_connect(source, "caller-removed", G_CALLBACK(on_caller_removed), self);
    return source;
}

static GstElement *make_source(MnbSource *self, GError **error)
{
    GstElement *source;
    if (self->config.kind == MNB_SOURCE_SRT)
        return make_srt(self, error);
    source = mnb_element_make(self->config.kind == MNB_SOURCE_RTMP ? "rtmp2src" : "rtspsrc", NULL,
                              error);
    if (source == NULL)
        return NULL;
    g_object_set(source, "location", self->config.url, NULL);
    if (self->config.kind == MNB_SOURCE_RTSP) {
        /* By TCP: the stream comes through the connection that we made, to the address we chose. */
        gst_util_set_object_arg(G_OBJECT(source), "protocols", "tcp");
        g_object_set(source, "latency", self->config.latency_ms, "tcp-timeout",
                     (guint64)(5 * G_USEC_PER_SEC), NULL);
    } else {
        g_object_set(source, "idle-timeout", 8, "timeout", 5, NULL);
    }
    return source;
}

static gboolean on_message(GstBus *bus, GstMessage *message, gpointer data)
{
    MnbSource *self = data;
    g_autoptr(GError) error = NULL;
    (void)bus;
    switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_EOS:
        self->watch = 0;
        self->ended(self, "ended", "the sender ended the stream", self->data);
        return G_SOURCE_REMOVE;
    case GST_MESSAGE_ERROR:
        gst_message_parse_error(message, &error, NULL);
        self->watch = 0;
        self->ended(self, mnb_source_is_connected(self) ? "broken" : "unreachable", error->message,
                    self->data);
        return G_SOURCE_REMOVE;
    default:
        return G_SOURCE_CONTINUE;
    }
}

static gboolean build(MnbSource *self, GError **error)
{
    self->source = make_source(self, error);
    if (self->source == NULL)
        return FALSE;
    gst_bin_add(GST_BIN(self->pipeline), self->source);
    if (self->config.kind == MNB_SOURCE_RTSP) {
        g_signal_connect(self->source, "pad-added", G_CALLBACK(on_pad), self);
        return TRUE;
    }
    GstElement *demuxer =
        mnb_element_make(self->config.kind == MNB_SOURCE_SRT ? "tsdemux" : "flvdemux", NULL, error);
    if (demuxer == NULL)
        return FALSE;
    gst_bin_add(GST_BIN(self->pipeline), demuxer);
    g_signal_connect(demuxer, "pad-added", G_CALLBACK(on_pad), self);
    g_autoptr(GstPad) pad = gst_element_get_static_pad(self->source, "src");
    count_bytes(self, pad);
    if (gst_element_link(self->source, demuxer))
        return TRUE;
    g_set_error_literal(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "the source does not link");
    return FALSE;
}

MnbSource *mnb_source_new(const MnbSourceConfig *config, MnbOutlet *outlet, MnbSourceEnded ended,
                          gpointer data, GError **error)
{
    MnbSource *self = g_new0(MnbSource, 1);
    self->config = *config;
    self->outlet = outlet;
    self->ended = ended;
    self->data = data;
    self->heard_us = self->reported_us = g_get_monotonic_time();
    self->pipeline = gst_pipeline_new("source");
    if (!build(self, error)) {
        mnb_source_free(self);
        return NULL;
    }
    g_autoptr(GstBus) bus = gst_element_get_bus(self->pipeline);
    self->watch = gst_bus_add_watch(bus, on_message, self);
    /* A failure is told by the bus. */
    gst_element_set_state(self->pipeline, GST_STATE_PLAYING);
    return self;
}

void mnb_source_free(MnbSource *self)
{
    if (self == NULL)
        return;
    if (self->watch != 0)
        g_source_remove(self->watch);
    gst_element_set_state(self->pipeline, GST_STATE_NULL);
    gst_object_unref(self->pipeline);
    g_free(self);
}

gboolean mnb_source_is_connected(const MnbSource *self)
{
    return g_atomic_int_get(&self->is_connected);
}

/* ---- what arrives ---- */

static guint64 get_counter(const GstStructure *stats, const char *name)
{
    gint64 value = 0;
    gint narrow = 0;
    if (stats == NULL)
        return 0;
    if (!gst_structure_get_int64(stats, name, &value) &&
        gst_structure_get_int(stats, name, &narrow))
        value = narrow;
    return value > 0 ? (guint64)value : 0;
}

/* Of the one encoder, from libsrt. */
static void report_line(MnbSource *self, json_t *report)
{
    g_autoptr(GstStructure) stats = NULL;
    GValueArray *callers = NULL;
    double rtt_ms = 0;
    if (self->config.kind != MNB_SOURCE_SRT || !mnb_source_is_connected(self))
        return;
    g_object_get(self->source, "stats", &stats, NULL);
    const GstStructure *one = stats;
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    if (stats != NULL && gst_structure_has_field(stats, "callers")) {
        callers = g_value_get_boxed(gst_structure_get_value(stats, "callers"));
        if (callers != NULL && callers->n_values > 0)
            one = g_value_get_boxed(g_value_array_get_nth(callers, 0));
    }
    G_GNUC_END_IGNORE_DEPRECATIONS
    guint64 packets = get_counter(one, "packets-received");
    guint64 lost = get_counter(one, "packets-received-lost");
    guint64 new_lost = lost >= self->lost ? lost - self->lost : lost;
    guint64 new_packets = packets >= self->packets ? packets - self->packets : packets;
    self->packets = packets;
    self->lost = lost;
    if (new_packets + new_lost > 0)
        json_object_set_new(report, "loss_permille",
                            json_integer((json_int_t)(new_lost * 1000 / (new_packets + new_lost))));
    if (one != NULL && gst_structure_get_double(one, "rtt-ms", &rtt_ms))
        json_object_set_new(report, "rtt_ms", json_integer((json_int_t)rtt_ms));
}

/* Why what arrives is not enough; NULL: nothing is wrong. */
static const char *find_trouble(const MnbSource *self, gint64 now_us)
{
    const MnbBranchState *video = &self->states[MNB_OUTLET_VIDEO];
    const MnbBranchState *audio = &self->states[MNB_OUTLET_AUDIO];
    if (g_atomic_int_get(&video->is_too_large))
        return "too-large";
    if (video->codec[0] == '\0' && video->unknown[0] != '\0')
        return "unknown-video";
    if (now_us - load(&self->connected_us) < PATIENCE_US)
        return NULL;
    if (now_us - load(&self->heard_us) > PATIENCE_US / 2)
        return "nothing-arrives";
    if (video->codec[0] == '\0')
        return audio->codec[0] == '\0' && audio->unknown[0] == '\0' ? "not-a-stream" : "no-video";
    if (g_atomic_int_get(&video->frames) == 0)
        return "no-picture-yet";
    if (audio->codec[0] == '\0')
        return audio->unknown[0] != '\0' ? "unknown-audio" : "no-audio";
    return NULL;
}

static json_t *state_json(const MnbBranchState *state, MnbOutletKind kind)
{
    const char *const names[2][2] = {{"width", "height"}, {"rate", "channels"}};
    if (state->codec[0] == '\0' && state->unknown[0] == '\0')
        return json_null();
    return json_pack("{s:s, s:b, s:i, s:i}", "codec",
                     state->codec[0] != '\0' ? state->codec : state->unknown, "is_known",
                     state->codec[0] != '\0', names[kind][0], g_atomic_int_get(&state->width),
                     names[kind][1], g_atomic_int_get(&state->height));
}

json_t *mnb_source_report(MnbSource *self)
{
    gint64 now_us = g_get_monotonic_time(), pending_us = load(&self->pending_us);
    if (pending_us != 0 && now_us - pending_us >= HANDSHAKE_US) {
        store(&self->pending_us, 0);
        refuse("wrong-passphrase");
    }
    gboolean is_connected = mnb_source_is_connected(self);
    json_t *report = json_pack("{s:s, s:b}", "event", "arriving", "is_connected", is_connected);
    if (!is_connected) {
        self->reported_us = now_us;
        return report;
    }
    guint64 bytes = __atomic_load_n(&self->bytes, __ATOMIC_RELAXED);
    gint frames = g_atomic_int_get(&self->states[MNB_OUTLET_VIDEO].frames);
    gint64 span_ms = MAX((now_us - self->reported_us) / 1000, 1);
    json_object_set_new(
        report, "kbit",
        json_integer((json_int_t)((gint64)(bytes - self->reported_bytes) * 8 / span_ms)));
    json_object_set_new(report, "fps_tenths",
                        json_integer((frames - self->reported_frames) * 10000 / span_ms));
    self->reported_bytes = bytes;
    self->reported_frames = frames;
    self->reported_us = now_us;
    report_line(self, report);
    json_object_set_new(report, "video",
                        state_json(&self->states[MNB_OUTLET_VIDEO], MNB_OUTLET_VIDEO));
    json_object_set_new(report, "audio",
                        state_json(&self->states[MNB_OUTLET_AUDIO], MNB_OUTLET_AUDIO));
    json_object_set_new(report, "connected_s",
                        json_integer((now_us - load(&self->connected_us)) / G_USEC_PER_SEC));
    const char *trouble = find_trouble(self, now_us);
    if (trouble != NULL)
        json_object_set_new(report, "trouble", json_string(trouble));
    return report;
}
