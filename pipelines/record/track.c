#include "pipelines/record/track.h"

#include "pipelines/common/program.h"
#include "pipelines/record/reorder.h"

#include <gst/rtp/gstrtpbuffer.h>
#include <string.h>

#define SIDE_MAX     8192                 /* pixels of a side that are still believed */
#define PIXELS_MAX   35700000             /* of a picture: 8K */
#define FILES_MAX    500                  /* of one track in one part */
#define MS           1000                 /* microseconds */
#define KEY_LEAST_US (1 * G_USEC_PER_SEC) /* between two requests */
#define KEY_AGAIN_US (2 * G_USEC_PER_SEC) /* until a request is repeated */

struct MnbTrack {
    MnbTrackConfig config;
    const MnbTrackHooks *hooks;
    gpointer owner;
    gint64 start_us;
    MnbTrackClock clock;
    MnbReorder *reorder;
    guint32 ssrc;
    gboolean has_ssrc;

    GstElement *bin;       /* holds depayloader and parser */
    GstBus *bus;           /* what they post */
    GstPad *feed, *frames; /* ours: into the depayloader, out of the last element */

    GstCaps *caps;      /* of the frames now; NULL: not known yet */
    MnbTrackFile *file; /* NULL: none open */
    guint n_files;
    gboolean wants_key;   /* drops delta frames until a key frame comes */
    gboolean is_unusable; /* these caps are absurd: drops everything until they change */
    gint64 asked_key_us;
    guint64 lost_packets;
};

static const struct {
    const char *name, *encoding, *depayloader, *parser, *frame_caps;
} codecs[] = {
    [MNB_TRACK_OPUS] = {"opus", "OPUS", "rtpopusdepay", NULL, "audio/x-opus"},
    [MNB_TRACK_VP8] = {"vp8", "VP8", "rtpvp8depay", NULL, "video/x-vp8"},
    /* vp9parse would send caps that matroskamux does not take. */
    [MNB_TRACK_VP9] = {"vp9", "VP9", "rtpvp9depay", NULL, "video/x-vp9"},
    [MNB_TRACK_H264] = {"h264", "H264", "rtph264depay", "h264parse",
                        "video/x-h264, stream-format=avc, alignment=au"},
};

gboolean mnb_track_codec_from_name(const char *name, MnbTrackCodec *codec_out)
{
    for (gsize i = 0; i < G_N_ELEMENTS(codecs); i++) {
        if (strcmp(codecs[i].name, name) == 0) {
            *codec_out = (MnbTrackCodec)i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *mnb_track_codec_name(MnbTrackCodec codec)
{
    return codecs[codec].name;
}

void mnb_track_config_clear(MnbTrackConfig *config)
{
    g_free(config->peer);
    g_free(config->name);
    g_free(config->role);
    g_free(config->language);
    g_free(config->file);
    g_clear_pointer(&config->fmtp, gst_structure_free);
    *config = (MnbTrackConfig){0};
}

const MnbTrackConfig *mnb_track_config(const MnbTrack *track)
{
    return &track->config;
}

guint64 mnb_track_lost_packets(const MnbTrack *track)
{
    return track->lost_packets;
}

/* ---- frames: out of the depayloader, into the file --------------------------------------------
 */

static void close_file(MnbTrack *track)
{
    if (track->file == NULL)
        return;
    mnb_track_file_finish(track->file);
    mnb_track_file_unref(g_steal_pointer(&track->file));
    track->wants_key = track->config.is_video;
}

/* Whether a file that holds frames of @before can go on with those of @now. */
static gboolean fits_same_file(MnbTrackCodec codec, GstCaps *before, GstCaps *now)
{
    static const char *const fields[] = {"codec_data", "width", "height"};
    if (codec == MNB_TRACK_VP8 || codec == MNB_TRACK_OPUS)
        return TRUE; /* each frame says itself what it is */
    const GstStructure *a = gst_caps_get_structure(before, 0);
    const GstStructure *b = gst_caps_get_structure(now, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        const GValue *x = gst_structure_get_value(a, fields[i]);
        const GValue *y = gst_structure_get_value(b, fields[i]);
        if ((x == NULL) != (y == NULL) || (x != NULL && gst_value_compare(x, y) != GST_VALUE_EQUAL))
            return FALSE;
    }
    return TRUE;
}

static gboolean is_believable(GstCaps *caps)
{
    gint width, height;
    const GstStructure *structure = gst_caps_get_structure(caps, 0);
    if (!gst_structure_get_int(structure, "width", &width) ||
        !gst_structure_get_int(structure, "height", &height))
        return TRUE;
    return width > 0 && height > 0 && width <= SIDE_MAX && height <= SIDE_MAX &&
           (gint64)width * height <= PIXELS_MAX;
}

static void on_caps(MnbTrack *track, GstCaps *caps)
{
    track->is_unusable = !is_believable(caps);
    if (track->is_unusable) {
        track->hooks->on_bad_media(track, "the picture size is absurd", track->owner);
        track->wants_key = TRUE;
        return;
    }
    if (track->file != NULL) {
        if (fits_same_file(track->config.codec, track->caps, caps))
            mnb_track_file_set_caps(track->file, caps);
        else
            close_file(track);
    }
    gst_caps_replace(&track->caps, caps);
}

static void ask_key_frame(MnbTrack *track)
{
    gint64 now_us = g_get_monotonic_time();
    if (!track->config.is_video || now_us - track->asked_key_us < KEY_LEAST_US)
        return;
    track->asked_key_us = now_us;
    track->hooks->on_need_key_frame(track, track->owner);
}

static gboolean open_file(MnbTrack *track, gint64 at_us)
{
    if (track->n_files >= FILES_MAX) {
        if (track->n_files++ == FILES_MAX)
            track->hooks->on_bad_media(track, "the picture format changed too often", track->owner);
        return FALSE;
    }
    track->file = track->hooks->open_file(track, track->caps, at_us, track->owner);
    if (track->file != NULL)
        track->n_files++;
    return track->file != NULL;
}

static void write_frame(MnbTrack *track, GstBuffer *frame)
{
    gboolean is_key =
        !track->config.is_video || !GST_BUFFER_FLAG_IS_SET(frame, GST_BUFFER_FLAG_DELTA_UNIT);
    gboolean is_wanted = track->caps != NULL && !track->is_unusable &&
                         GST_BUFFER_PTS_IS_VALID(frame) && (is_key || !track->wants_key);
    gint64 at_us = (gint64)(GST_BUFFER_PTS(frame) / MS);
    if (!is_wanted || (track->file == NULL && !open_file(track, at_us))) {
        gst_buffer_unref(frame);
        track->wants_key = track->config.is_video;
        return;
    }
    if (mnb_track_file_push(track->file, frame)) {
        track->wants_key = FALSE;
        track->hooks->on_written(track, track->file, at_us, track->owner);
        return;
    }
    track->lost_packets++;
    track->wants_key = track->config.is_video;
    ask_key_frame(track);
    /* Without space or with a broken muxer this file is over; a full queue only waits. */
    if (mnb_track_file_state(track->file) != MNB_FILE_OPEN)
        close_file(track);
}

static GstFlowReturn on_frame(GstPad *pad, GstObject *parent, GstBuffer *frame)
{
    write_frame(gst_pad_get_element_private(pad), frame);
    return GST_FLOW_OK;
}

static gboolean on_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
    if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
        GstCaps *caps;
        gst_event_parse_caps(event, &caps);
        on_caps(gst_pad_get_element_private(pad), caps);
    }
    gst_event_unref(event);
    return TRUE;
}

/* ---- packets: from the ring into the depayloader -----------------------------------------------
 */

/* RFC 6184 allows packetization-mode 1 only single units, STAP-A and FU-A. One packet of an
 * aggregation type that rtph264depay does not know (26, 27) would end it. */
static gboolean is_h264_payload(const guint8 *payload, guint size)
{
    if (size < 2)
        return FALSE;
    guint8 type = payload[0] & 0x1f;
    if (type == 28)
        return (payload[1] & 0x1f) >= 1 && (payload[1] & 0x1f) <= 23;
    return (type >= 1 && type <= 23) || type == 24;
}

static gboolean is_acceptable(MnbTrack *track, GstBuffer *packet, guint16 *seq_out,
                              guint32 *ssrc_out)
{
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    if (!gst_rtp_buffer_map(packet, GST_MAP_READ, &rtp))
        return FALSE;
    *seq_out = gst_rtp_buffer_get_seq(&rtp);
    *ssrc_out = gst_rtp_buffer_get_ssrc(&rtp);
    const guint8 *payload = gst_rtp_buffer_get_payload(&rtp);
    guint size = gst_rtp_buffer_get_payload_len(&rtp);
    /* Padding only (bandwidth probes) keeps its place in the sequence but carries nothing. */
    gboolean ok =
        gst_rtp_buffer_get_payload_type(&rtp) == track->config.payload_type &&
        (size == 0 || track->config.codec != MNB_TRACK_H264 || is_h264_payload(payload, size));
    gst_rtp_buffer_unmap(&rtp);
    return ok;
}

static void look_at_bus(MnbTrack *track)
{
    for (;;) {
        g_autoptr(GstMessage) message =
            gst_bus_pop_filtered(track->bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
        if (message == NULL)
            return;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
            g_autoptr(GError) error = NULL;
            mnb_job_error_set_message(&error, message);
            mnb_lines_warn("track", "%s", error->message);
        }
    }
}

static void feed(MnbTrack *track, GstBuffer *packet, guint lost)
{
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    gint64 arrival_us = (gint64)GST_BUFFER_OFFSET(packet);
    if (!gst_rtp_buffer_map(packet, GST_MAP_READ, &rtp)) {
        gst_buffer_unref(packet);
        return;
    }
    guint32 rtp_time = gst_rtp_buffer_get_timestamp(&rtp);
    gboolean is_padding = gst_rtp_buffer_get_payload_len(&rtp) == 0;
    gst_rtp_buffer_unmap(&rtp);
    if (lost > 0) {
        track->lost_packets += lost;
        ask_key_frame(track);
    }
    if (is_padding) { /* its time stamp may be anything */
        gst_buffer_unref(packet);
        return;
    }
    gint64 at_us = mnb_track_clock_at(&track->clock, rtp_time, arrival_us) - track->start_us;
    GST_BUFFER_PTS(packet) = (GstClockTime)MAX(at_us, 0) * MS;
    GST_BUFFER_OFFSET(packet) = GST_BUFFER_OFFSET_NONE;
    gst_pad_push(track->feed, packet);
    look_at_bus(track);
}

static void drain(MnbTrack *track, gint64 now_us)
{
    guint lost;
    for (GstBuffer *packet; (packet = mnb_reorder_take(track->reorder, now_us, &lost)) != NULL;)
        feed(track, packet, lost);
}

static void drain_rest(MnbTrack *track)
{
    guint lost;
    for (GstBuffer *packet; (packet = mnb_reorder_take_rest(track->reorder, &lost)) != NULL;)
        feed(track, packet, lost);
}

void mnb_track_put(MnbTrack *track, const guint8 *packet, gsize size, gint64 arrival_us,
                   gint64 now_us)
{
    guint16 seq;
    guint32 ssrc;
    GstBuffer *copy = gst_buffer_new_memdup(packet, size);
    GST_BUFFER_OFFSET(copy) = (guint64)arrival_us; /* until it is fed */
    if (!is_acceptable(track, copy, &seq, &ssrc)) {
        gst_buffer_unref(copy);
        return;
    }
    if (track->has_ssrc && ssrc != track->ssrc) {
        drain_rest(track);
        mnb_reorder_restart(track->reorder);
        mnb_track_clock_restart(&track->clock);
        track->wants_key = track->config.is_video;
        ask_key_frame(track);
    }
    track->has_ssrc = TRUE;
    track->ssrc = ssrc;
    mnb_reorder_put(track->reorder, seq, copy, now_us);
    drain(track, now_us);
}

void mnb_track_report(MnbTrack *track, guint64 ntp, guint32 rtp_time)
{
    mnb_track_clock_report(&track->clock, ntp, rtp_time);
}

void mnb_track_poll(MnbTrack *track, gint64 now_us)
{
    drain(track, now_us);
    if (track->wants_key && track->has_ssrc && now_us - track->asked_key_us > KEY_AGAIN_US)
        ask_key_frame(track);
}

void mnb_track_end_file(MnbTrack *track)
{
    drain_rest(track);
    close_file(track);
}

/* ---- life --------------------------------------------------------------------------------------
 */

static GstCaps *rtp_caps(const MnbTrackConfig *config)
{
    GstCaps *caps = gst_caps_new_simple("application/x-rtp", "media", G_TYPE_STRING,
                                        config->is_video ? "video" : "audio", "clock-rate",
                                        G_TYPE_INT, (gint)config->clock_rate, "payload", G_TYPE_INT,
                                        (gint)config->payload_type, "encoding-name", G_TYPE_STRING,
                                        codecs[config->codec].encoding, NULL);
    if (config->codec == MNB_TRACK_OPUS)
        gst_caps_set_simple(caps, "sprop-stereo", G_TYPE_STRING, config->channels == 2 ? "1" : "0",
                            NULL);
    for (gint i = 0; config->fmtp != NULL && i < gst_structure_n_fields(config->fmtp); i++) {
        const char *name = gst_structure_nth_field_name(config->fmtp, (guint)i);
        if (!gst_structure_has_field(gst_caps_get_structure(caps, 0), name))
            gst_caps_set_value(caps, name, gst_structure_get_value(config->fmtp, name));
    }
    return caps;
}

static gboolean build(MnbTrack *track, GError **error)
{
    MnbTrackCodec codec = track->config.codec;
    track->bin = gst_object_ref_sink(gst_pipeline_new(NULL));
    track->bus = gst_element_get_bus(track->bin);
    GstElement *first = mnb_element_make(codecs[codec].depayloader, NULL, error);
    if (first == NULL)
        return FALSE;
    gst_bin_add(GST_BIN(track->bin), first);
    GstElement *last = first;
    if (codecs[codec].parser != NULL) {
        last = mnb_element_make(codecs[codec].parser, NULL, error);
        if (last == NULL)
            return FALSE;
        gst_bin_add(GST_BIN(track->bin), last);
        gst_element_link(first, last);
    }
    g_autoptr(GstCaps) frame_caps = gst_caps_from_string(codecs[codec].frame_caps);
    g_autoptr(GstPadTemplate) template = gst_object_ref_sink(
        gst_pad_template_new("frames", GST_PAD_SINK, GST_PAD_ALWAYS, frame_caps));
    track->feed = gst_object_ref_sink(gst_pad_new("feed", GST_PAD_SRC));
    track->frames = gst_object_ref_sink(gst_pad_new_from_template(template, "frames"));
    gst_pad_set_element_private(track->frames, track);
    gst_pad_set_chain_function(track->frames, on_frame);
    gst_pad_set_event_function(track->frames, on_event);
    g_autoptr(GstPad) in = gst_element_get_static_pad(first, "sink");
    g_autoptr(GstPad) out = gst_element_get_static_pad(last, "src");
    if (gst_pad_link_full(track->feed, in, GST_PAD_LINK_CHECK_NOTHING) != GST_PAD_LINK_OK ||
        gst_pad_link_full(out, track->frames, GST_PAD_LINK_CHECK_NOTHING) != GST_PAD_LINK_OK) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "the depayloader cannot be linked");
        return FALSE;
    }
    return TRUE;
}

static void start(MnbTrack *track)
{
    gst_pad_set_active(track->frames, TRUE);
    gst_pad_set_active(track->feed, TRUE);
    gst_element_set_state(track->bin, GST_STATE_PLAYING);
    g_autofree char *stream = g_strdup_printf("track-%u", track->config.id);
    g_autoptr(GstCaps) caps = rtp_caps(&track->config);
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(track->feed, gst_event_new_stream_start(stream));
    gst_pad_push_event(track->feed, gst_event_new_caps(caps));
    gst_pad_push_event(track->feed, gst_event_new_segment(&segment));
}

MnbTrack *mnb_track_new(MnbTrackConfig *config, const MnbTrackHooks *hooks, gpointer owner,
                        MnbPeerClock *peer, gint64 start_us, GError **error)
{
    MnbTrack *track = g_new0(MnbTrack, 1);
    track->config = *config;
    *config = (MnbTrackConfig){0};
    track->hooks = hooks;
    track->owner = owner;
    track->start_us = start_us;
    track->wants_key = track->config.is_video;
    track->reorder = mnb_reorder_new();
    mnb_track_clock_init(&track->clock, peer, track->config.clock_rate);
    if (!build(track, error)) {
        mnb_track_free(track);
        return NULL;
    }
    start(track);
    return track;
}

void mnb_track_free(MnbTrack *track)
{
    if (track == NULL)
        return;
    close_file(track);
    if (track->bin != NULL)
        gst_element_set_state(track->bin, GST_STATE_NULL);
    if (track->feed != NULL)
        gst_pad_set_active(track->feed, FALSE);
    if (track->frames != NULL)
        gst_pad_set_active(track->frames, FALSE);
    gst_clear_object(&track->feed);
    gst_clear_object(&track->frames);
    gst_clear_object(&track->bus);
    gst_clear_object(&track->bin);
    gst_clear_caps(&track->caps);
    mnb_reorder_free(track->reorder);
    mnb_track_config_clear(&track->config);
    g_free(track);
}
