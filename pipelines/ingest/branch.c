#include "pipelines/ingest/branch.h"

#include "pipelines/common/program.h"

#include <gst/app/app.h>
#include <string.h>

#define CHAIN_MAX 4

/* @version: of mpegversion; 0: any. @elements: in order, up to raw pictures or sound. */
static const struct {
    const char *media; /* name of the caps' structure, or encoding-name of RTP */
    int version_from, version_to;
    const char *codec;
    MnbOutletKind kind;
    const char *elements[CHAIN_MAX];
} codecs[] = {
    {"video/x-h264", 0, 0, "h264", MNB_OUTLET_VIDEO, {"h264parse", "avdec_h264"}},
    {"video/x-h265", 0, 0, "h265", MNB_OUTLET_VIDEO, {"h265parse", "avdec_h265"}},
    {"video/mpeg", 1, 2, "mpeg2", MNB_OUTLET_VIDEO, {"mpegvideoparse", "avdec_mpeg2video"}},
    {"audio/mpeg", 2, 4, "aac", MNB_OUTLET_AUDIO, {"aacparse", "avdec_aac"}},
    {"audio/mpeg", 1, 1, "mp3", MNB_OUTLET_AUDIO, {"mpegaudioparse", "avdec_mp3"}},
    {"audio/x-opus", 0, 0, "opus", MNB_OUTLET_AUDIO, {"opusdec"}},
    {"audio/x-ac3", 0, 0, "ac3", MNB_OUTLET_AUDIO, {"ac3parse", "avdec_ac3"}},
    {"H264", 0, 0, "h264", MNB_OUTLET_VIDEO, {"rtph264depay", "h264parse", "avdec_h264"}},
    {"H265", 0, 0, "h265", MNB_OUTLET_VIDEO, {"rtph265depay", "h265parse", "avdec_h265"}},
    {"JPEG", 0, 0, "jpeg", MNB_OUTLET_VIDEO, {"rtpjpegdepay", "jpegdec"}},
    {"MPEG4-GENERIC", 0, 0, "aac", MNB_OUTLET_AUDIO, {"rtpmp4gdepay", "aacparse", "avdec_aac"}},
    {"MP4A-LATM", 0, 0, "aac", MNB_OUTLET_AUDIO, {"rtpmp4adepay", "aacparse", "avdec_aac"}},
    {"OPUS", 0, 0, "opus", MNB_OUTLET_AUDIO, {"rtpopusdepay", "opusdec"}},
    {"PCMU", 0, 0, "g711", MNB_OUTLET_AUDIO, {"rtppcmudepay", "mulawdec"}},
    {"PCMA", 0, 0, "g711", MNB_OUTLET_AUDIO, {"rtppcmadepay", "alawdec"}},
};

typedef struct {
    MnbOutlet *outlet;
    MnbOutletKind kind;
    MnbBranchState *state;
} Sink;

static int find_codec(const GstStructure *structure)
{
    const char *name = gst_structure_get_name(structure);
    int version = 0;
    if (g_str_equal(name, "application/x-rtp"))
        name = gst_structure_get_string(structure, "encoding-name");
    gst_structure_get_int(structure, "mpegversion", &version);
    for (guint i = 0; name != NULL && i < G_N_ELEMENTS(codecs); i++)
        if (g_ascii_strcasecmp(codecs[i].media, name) == 0 &&
            (codecs[i].version_from == 0 ||
             (version >= codecs[i].version_from && version <= codecs[i].version_to)))
            return (int)i;
    return -1;
}

/* Pictures or sound that nobody here decodes: the crew is told its name. */
static void note_unknown(const GstStructure *structure, MnbBranchState states[2])
{
    const char *name = gst_structure_get_name(structure);
    const char *media = gst_structure_get_string(structure, "media");
    const char *encoding = gst_structure_get_string(structure, "encoding-name");
    gboolean is_video = g_str_has_prefix(name, "video/") || g_strcmp0(media, "video") == 0;
    gboolean is_audio = g_str_has_prefix(name, "audio/") || g_strcmp0(media, "audio") == 0;
    if (is_video || is_audio)
        g_strlcpy(states[is_video ? MNB_OUTLET_VIDEO : MNB_OUTLET_AUDIO].unknown,
                  encoding != NULL ? encoding : name, sizeof states[0].unknown);
}

static GstFlowReturn on_raw(GstAppSink *sink, gpointer data)
{
    Sink *self = data;
    GstSample *sample = gst_app_sink_pull_sample(sink);
    if (sample == NULL)
        return GST_FLOW_EOS;
    /* Streams of one source share its running time; their segments may differ. */
    GstBuffer *buffer = gst_buffer_ref(gst_sample_get_buffer(sample));
    GstClockTime time = gst_segment_to_running_time(gst_sample_get_segment(sample), GST_FORMAT_TIME,
                                                    GST_BUFFER_PTS(buffer));
    gst_sample_unref(sample);
    g_atomic_int_inc(&self->state->frames);
    buffer = gst_buffer_make_writable(buffer);
    GST_BUFFER_PTS(buffer) = time;
    mnb_outlet_put(self->outlet, self->kind, buffer);
    return GST_FLOW_OK;
}

/* The size that a picture says it has is looked at before a converter takes memory for it. */
static GstPadProbeReturn on_caps(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    MnbBranchState *state = data;
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
    GstCaps *caps = NULL;
    gint first = 0, second = 0;
    (void)pad;
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
        return GST_PAD_PROBE_OK;
    gst_event_parse_caps(event, &caps);
    const GstStructure *structure = gst_caps_get_structure(caps, 0);
    if (gst_structure_get_int(structure, "width", &first) &&
        gst_structure_get_int(structure, "height", &second)) {
        gboolean is_too_large =
            MAX(first, second) > MNB_BRANCH_WIDTH_MAX ||
            (gint64)first * second > (gint64)MNB_BRANCH_WIDTH_MAX * MNB_BRANCH_HEIGHT_MAX;
        g_atomic_int_set(&state->is_too_large, is_too_large);
        if (is_too_large)
            return GST_PAD_PROBE_DROP;
    } else {
        gst_structure_get_int(structure, "rate", &first);
        gst_structure_get_int(structure, "channels", &second);
    }
    g_atomic_int_set(&state->width, first);
    g_atomic_int_set(&state->height, second);
    return GST_PAD_PROBE_OK;
}

static void set_up(GstElement *element, const char *factory)
{
    if (g_str_equal(factory, "avdec_h264") || g_str_equal(factory, "avdec_h265") ||
        g_str_equal(factory, "avdec_mpeg2video")) {
        /* Threads by frame cost a frame of delay each. */
        g_object_set(element, "max-threads", 2, "output-corrupt", FALSE, NULL);
        gst_util_set_object_arg(G_OBJECT(element), "thread-type", "slice");
    }
    if (g_str_equal(factory, "videorate"))
        g_object_set(element, "drop-only", TRUE, NULL);
    if (g_str_equal(factory, "videoconvertscale"))
        g_object_set(element, "add-borders", TRUE, NULL);
    if (g_str_equal(factory, "queue"))
        g_object_set(element, "max-size-buffers", 0, "max-size-bytes", 8u << 20, "max-size-time",
                     (guint64)2 * GST_SECOND, NULL);
}

static GstCaps *raw_caps(const MnbOutlet *outlet, MnbOutletKind kind)
{
    GstCaps *caps = mnb_outlet_caps(outlet, kind);
    if (kind == MNB_OUTLET_VIDEO)
        gst_caps_set_simple(caps, "framerate", GST_TYPE_FRACTION_RANGE, 0, 1, MNB_OUTLET_FPS, 1,
                            NULL);
    return caps;
}

static GstElement *append(GstBin *bin, GstElement *last, const char *factory, GError **error)
{
    GstElement *element = mnb_element_make(factory, NULL, error);
    if (element == NULL)
        return NULL;
    set_up(element, factory);
    gst_bin_add(bin, element);
    if (last != NULL && !gst_element_link(last, element)) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "%s does not link", factory);
        return NULL;
    }
    gst_element_sync_state_with_parent(element);
    return element;
}

static gboolean link_pad(GstPad *pad, GstElement *first, GError **error)
{
    g_autoptr(GstPad) sink = gst_element_get_static_pad(first, "sink");
    if (gst_pad_link(pad, sink) == GST_PAD_LINK_OK)
        return TRUE;
    g_set_error_literal(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "a stream does not link");
    return FALSE;
}

static gboolean discard(GstBin *bin, GstPad *pad, GError **error)
{
    GstElement *sink = append(bin, NULL, "fakesink", error);
    if (sink == NULL)
        return FALSE;
    g_object_set(sink, "sync", FALSE, "async", FALSE, NULL);
    return link_pad(pad, sink, error);
}

static gboolean join(GstBin *bin, GstPad *pad, int codec, MnbOutlet *outlet, MnbBranchState *state,
                     GError **error)
{
    static const char *const after[2][4] = {{"videorate", "videoconvertscale"},
                                            {"audioconvert", "audioresample"}};
    MnbOutletKind kind = codecs[codec].kind;
    GstElement *first = append(bin, NULL, "queue", error), *last = first;
    for (guint i = 0; last != NULL && i < CHAIN_MAX && codecs[codec].elements[i] != NULL; i++)
        last = append(bin, last, codecs[codec].elements[i], error);
    if (last == NULL)
        return FALSE;
    g_autoptr(GstPad) decoded = gst_element_get_static_pad(last, "src");
    gst_pad_add_probe(decoded, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_caps, state, NULL);
    for (guint i = 0; last != NULL && after[kind][i] != NULL; i++)
        last = append(bin, last, after[kind][i], error);
    GstElement *sink = last != NULL ? append(bin, last, "appsink", error) : NULL;
    if (sink == NULL)
        return FALSE;
    g_autoptr(GstCaps) caps = raw_caps(outlet, kind);
    Sink *self = g_new(Sink, 1);
    *self = (Sink){outlet, kind, state};
    GstAppSinkCallbacks calls = {.new_sample = on_raw};
    gst_app_sink_set_callbacks(GST_APP_SINK(sink), &calls, self, g_free);
    g_object_set(sink, "sync", FALSE, "async", FALSE, "caps", caps, "max-buffers", 8, NULL);
    return link_pad(pad, first, error);
}

gboolean mnb_branch_join(GstBin *bin, GstPad *pad, MnbOutlet *outlet, MnbBranchState states[2],
                         GError **error)
{
    g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
    if (caps == NULL)
        caps = gst_pad_query_caps(pad, NULL);
    if (gst_caps_is_empty(caps) || gst_caps_is_any(caps))
        return discard(bin, pad, error);
    const GstStructure *structure = gst_caps_get_structure(caps, 0);
    int codec = find_codec(structure);
    if (codec < 0) {
        note_unknown(structure, states);
        return discard(bin, pad, error);
    }
    MnbBranchState *state = &states[codecs[codec].kind];
    if (state->codec[0] != '\0')
        return discard(bin, pad, error);
    g_strlcpy(state->codec, codecs[codec].codec, sizeof state->codec);
    return join(bin, pad, codec, outlet, state, error);
}
