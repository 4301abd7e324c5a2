#include "pipelines/transcode/encode-private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define FRAGMENT_MS    2000
#define RAW_BUFFERS    6 /* pictures that may wait in front of an encoder */
#define ENCODED_BYTES  (64u << 20)
#define SOUND_RATE     48000
#define SOUND_CHANNELS 2
#define SOUND_CAPS                                                                                 \
    "audio/x-raw, format=(string)F32LE, layout=(string)interleaved, rate=(int)48000, "             \
    "channels=(int)2, channel-mask=(bitmask)0x3"

/* ---- building: each step does nothing once one has failed
 * ---------------------------------------- */

static GstElement *add(MnbEncode *self, const char *factory, GstElement *after)
{
    if (self->failed)
        return NULL;
    GstElement *element = mnb_element_make(factory, NULL, self->error);
    if (element == NULL) {
        self->failed = TRUE;
        return NULL;
    }
    gst_bin_add(GST_BIN(self->pipeline), element);
    if (after != NULL && !gst_element_link(after, element)) {
        g_set_error(self->error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "%s cannot be linked", factory);
        self->failed = TRUE;
    }
    return element;
}

static void set(MnbEncode *self, GstElement *element, const char *name, const char *value)
{
    if (!self->failed)
        gst_util_set_object_arg(G_OBJECT(element), name, value);
}

static GstElement *add_caps(MnbEncode *self, GstElement *after, const char *caps)
{
    GstElement *filter = add(self, "capsfilter", after);
    set(self, filter, "caps", caps);
    return filter;
}

/* @buffers: raw pictures that may wait; 0: encoded data, as much as it takes. */
static GstElement *add_queue(MnbEncode *self, GstElement *after, guint buffers)
{
    GstElement *queue = add(self, "queue", after);
    if (!self->failed)
        g_object_set(queue, "max-size-buffers", buffers, "max-size-time", (guint64)0,
                     "max-size-bytes", buffers > 0 ? 0 : ENCODED_BYTES, NULL);
    return queue;
}

static GstElement *add_file(MnbEncode *self, GstElement *after, const char *name)
{
    GstElement *sink = add(self, "filesink", after);
    if (self->failed)
        return NULL;
    g_autofree char *path = g_build_filename(self->folder, name, NULL);
    g_autofree char *parent = g_path_get_dirname(path);
    if (mkdir(parent, 0755) != 0 && errno != EEXIST)
        self->failed = !mnb_job_error_set_errno(self->error, errno, parent);
    g_object_set(sink, "location", path, "async", FALSE, "sync", FALSE, NULL);
    return sink;
}

static void link_pad(MnbEncode *self, GstElement *from, GstElement *muxer, const char *pad)
{
    if (self->failed || gst_element_link_pads(from, "src", muxer, pad))
        return;
    g_set_error(self->error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "mp4mux cannot be linked");
    self->failed = TRUE;
}

/* NAME/stream.mp4: fragments that begin with a key frame each. */
static void add_stream(MnbEncode *self, GstElement *from, const char *pad, const char *name)
{
    g_autofree char *file = g_strdup_printf("%s/stream.mp4", name);
    GstElement *queue = add_queue(self, from, 0);
    GstElement *muxer = add(self, "mp4mux", NULL);
    if (self->failed)
        return;
    /* A picture's fragments end at key frames; the limit only must not come before them. */
    gboolean is_video = g_str_has_prefix(pad, "video");
    g_object_set(muxer, "fragment-duration", is_video ? 2 * FRAGMENT_MS : FRAGMENT_MS, "streamable",
                 TRUE, NULL);
    link_pad(self, queue, muxer, pad);
    add_file(self, muxer, file);
}

/* A plain MP4 with its index in front. */
static GstElement *add_download(MnbEncode *self, const char *name)
{
    GstElement *muxer = add(self, "mp4mux", NULL);
    if (self->failed)
        return NULL;
    /* Where it keeps the samples meanwhile: not in /tmp, which may be memory. */
    g_autofree char *path = g_strdup_printf("%s/%s.tmp", self->folder, name);
    g_object_set(muxer, "faststart", TRUE, "faststart-file", path, NULL);
    add_file(self, muxer, name);
    return muxer;
}

static GstElement *add_x264(MnbEncode *self, GstElement *after, const MnbRung *rung)
{
    g_autofree char *options = g_strdup_printf("keyint=%d:min-keyint=%d:scenecut=0:open-gop=0",
                                               rung->key_frames, rung->key_frames);
    GstElement *encoder = add(self, "x264enc", after);
    set(self, encoder, "speed-preset", "veryfast");
    set(self, encoder, "pass", "qual");
    set(self, encoder, "option-string", options);
    if (!self->failed)
        g_object_set(encoder, "quantizer", (guint)rung->quality, "bitrate",
                     (guint)rung->bitrate_kbps, "vbv-buf-capacity", 2000u, "key-int-max",
                     (guint)rung->key_frames, NULL);
    GstElement *filter = add_caps(self, encoder, "video/x-h264, profile=(string)high");
    GstElement *parser = add(self, "h264parse", filter);
    return add_caps(self, parser, "video/x-h264, stream-format=(string)avc, alignment=(string)au");
}

static char *picture_caps(const MnbEncode *self, const MnbRung *rung)
{
    return g_strdup_printf("video/x-raw, format=(string)I420, width=(int)%d, height=(int)%d, "
                           "pixel-aspect-ratio=(fraction)1/1, framerate=(fraction)%d/%d, "
                           "colorimetry=(string)%s",
                           rung->width, rung->height, rung->fps_n, rung->fps_d,
                           self->ladder->colorimetry);
}

static GstElement *add_scale(MnbEncode *self, GstElement *after, const MnbRung *rung)
{
    g_autofree char *caps = picture_caps(self, rung);
    GstElement *scale = add(self, "videoconvertscale", after);
    set(self, scale, "method", "bilinear2"); /* the default loses 2 dB at the same cost */
    set(self, scale, "add-borders", "false");
    return add_caps(self, scale, caps);
}

/* ---- looking on -------------------------------------------------------------------------------
 */

/* Returns: FALSE when it has no time. */
static gboolean film_time(GstPad *pad, GstBuffer *buffer, gint64 *at_us)
{
    g_autoptr(GstEvent) event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
    const GstSegment *segment;
    if (event == NULL || !GST_BUFFER_PTS_IS_VALID(buffer))
        return FALSE;
    gst_event_parse_segment(event, &segment);
    guint64 running = gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    *at_us = (gint64)(running / 1000);
    return running != GST_CLOCK_TIME_NONE;
}

/* What goes to the encoder of the smallest rung: as small pictures. */
static GstPadProbeReturn on_small_picture(GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
    MnbEncode *self = data;
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(probe);
    gint64 at_us;
    if (!film_time(pad, buffer, &at_us) || !mnb_thumbs_wants(self->thumbs, at_us))
        return GST_PAD_PROBE_OK;
    g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
    GstVideoInfo info;
    GstVideoFrame frame;
    if (caps != NULL && gst_video_info_from_caps(&info, caps) &&
        gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ)) {
        mnb_thumbs_add(self->thumbs, at_us, &frame);
        gst_video_frame_unmap(&frame);
    }
    return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn on_sound(GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
    MnbEncode *self = data;
    GstMapInfo map;
    if (gst_buffer_map(GST_PAD_PROBE_INFO_BUFFER(probe), &map, GST_MAP_READ)) {
        mnb_waveform_add(self->waveform, (const float *)(const void *)map.data,
                         map.size / (SOUND_CHANNELS * sizeof(float)));
        gst_buffer_unmap(GST_PAD_PROBE_INFO_BUFFER(probe), &map);
    }
    return GST_PAD_PROBE_OK;
}

static void watch_buffers(MnbEncode *self, GstElement *element, GstPadProbeCallback on_buffer)
{
    if (self->failed)
        return;
    g_autoptr(GstPad) pad = gst_element_get_static_pad(element, "src");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, self, NULL);
}

static void watch_picture(MnbEncode *self, GstElement *element)
{
    self->thumbs = mnb_thumbs_new(self->info->width, self->info->height);
    watch_buffers(self, element, on_small_picture);
}

static void watch_sound(MnbEncode *self, GstElement *element)
{
    self->waveform = mnb_waveform_new(SOUND_RATE, SOUND_CHANNELS);
    watch_buffers(self, element, on_sound);
}

/* Each rung is scaled from the one above it: fewer pixels to read, and none is skipped. */
void mnb_encode_build_picture(MnbEncode *self)
{
    const MnbRung *top = &self->ladder->rungs[0];
    self->entry[0] = add(self, "videorate", NULL);
    GstElement *above = self->entry[0];
    for (int i = 0; i < self->ladder->n_rungs; i++) {
        const MnbRung *rung = &self->ladder->rungs[i];
        gboolean is_lowest = i == self->ladder->n_rungs - 1;
        GstElement *last = i > 0 ? add_queue(self, above, RAW_BUFFERS) : above;
        if (rung->fps_d != top->fps_d)
            last = add(self, "videorate", last);
        last = add_scale(self, last, rung);
        if (is_lowest)
            watch_picture(self, last);
        else
            last = above = add(self, "tee", last);
        last = add_x264(self, is_lowest && i > 0 ? last : add_queue(self, last, RAW_BUFFERS), rung);
        if (i == 0)
            last = add(self, "tee", last);
        add_stream(self, last, "video_%u", rung->name);
        if (i == 0) {
            self->download = add_download(self, "video.mp4");
            link_pad(self, add_queue(self, last, 0), self->download, "video_%u");
        }
    }
}

static GstElement *add_aac(MnbEncode *self, GstElement *after, int bitrate_bps)
{
    GstElement *encoder = add(self, "avenc_aac", after);
    if (!self->failed)
        g_object_set(encoder, "bitrate", bitrate_bps, NULL);
    return add(self, "aacparse", encoder);
}

/* "audio" and "audio-low" of the first sound, "audio-2" of the second. Returns (owned). */
static char *sound_name(const char *base, int sound)
{
    return sound == 0 ? g_strdup(base) : g_strdup_printf("%s-%d", base, sound + 1);
}

void mnb_encode_build_sound(MnbEncode *self, int sound)
{
    g_autofree char *full_name = sound_name("audio", sound);
    g_autofree char *low_name = sound_name("audio-low", sound);
    g_autofree char *download_name = g_strconcat(full_name, ".m4a", NULL);
    GstElement *entry = add(self, "audioconvert", NULL);
    GstElement *last = add(self, "audioresample", entry);
    self->entry[self->info->sounds[sound].stream] = entry;
    last = add_caps(self, last, SOUND_CAPS);
    double gain = self->loudness->gain[sound];
    if (gain != 1) {
        last = add(self, "volume", last);
        if (!self->failed)
            g_object_set(last, "volume", MIN(gain, 10.0), NULL);
        last = gain > 10.0 ? add(self, "volume", last) : last; /* one of them goes up to 10 */
        if (!self->failed && gain > 10.0)
            g_object_set(last, "volume", gain / 10, NULL);
    }
    last = add(self, "audiorate", last);
    if (sound == 0)
        watch_sound(self, last);
    GstElement *raw = add(self, "tee", last);

    GstElement *full = add(self, "audioconvert", add_queue(self, raw, 0));
    GstElement *aac = add(self, "tee", add_aac(self, full, MNB_AUDIO_BPS));
    add_stream(self, aac, "audio_%u", full_name);
    link_pad(self, add_queue(self, aac, 0), add_download(self, download_name), "audio_%u");
    if (self->download != NULL)
        link_pad(self, add_queue(self, aac, 0), self->download, "audio_%u");

    GstElement *low = add(self, "audioconvert", add_queue(self, raw, 0));
    low = add_caps(self, add(self, "audioresample", low),
                   "audio/x-raw, rate=(int)24000, channels=(int)1");
    add_stream(self, add_aac(self, low, MNB_AUDIO_LOW_BPS), "audio_%u", low_name);
}
