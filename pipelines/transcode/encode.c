#include "pipelines/transcode/encode.h"

#include "pipelines/common/files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define USEFUL_US      500000 /* a film that breaks off after less is no film */
#define TRUNCATED_US   (2 * (gint64)G_USEC_PER_SEC)
#define FRAGMENT_MS    2000
#define BEYOND_END_US  (60 * (gint64)G_USEC_PER_SEC)   /* of the length that the film says it has */
#define HOLE_MAX_US    (1800 * (gint64)G_USEC_PER_SEC) /* between two pictures or sounds */
#define PAST_END_US    (2 * (gint64)G_USEC_PER_SEC)    /* pictures come a little out of order */
#define GROWTH_LOOK_US (5 * (gint64)G_USEC_PER_SEC)
#define RAW_BUFFERS    6 /* pictures that may wait in front of an encoder */
#define ENCODED_BYTES  (64u << 20)

typedef struct {
    GstElement *pipeline;
    const MnbFilmInfo *info;
    const MnbLadder *ladder;
    const char *folder;
    MnbProgram *program;
    const MnbFilmEdit *edit;
    const MnbLoudness *loudness;
    GstElement *entry[MNB_FILM_STREAMS];  /* borrowed: where a stream comes in; NULL: not wanted */
    GstElement *download;                 /* muxer of video.mp4; NULL: no picture */
    gint64 position_us[MNB_FILM_STREAMS]; /* atomic: of what was captured */
    gint has_dropped;                     /* atomic: buffers with impossible time stamps */
    gint64 measured_us;
    guint64 folder_bytes;
    gboolean failed; /* a build step did not work; error is set */
    GError **error;
} Encode;

/* ---- building: each step does nothing once one has failed
 * ---------------------------------------- */

static GstElement *add(Encode *self, const char *factory, GstElement *after)
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

static void set(Encode *self, GstElement *element, const char *name, const char *value)
{
    if (!self->failed)
        gst_util_set_object_arg(G_OBJECT(element), name, value);
}

static GstElement *add_caps(Encode *self, GstElement *after, const char *caps)
{
    GstElement *filter = add(self, "capsfilter", after);
    set(self, filter, "caps", caps);
    return filter;
}

/* @buffers: raw pictures that may wait; 0: encoded data, as much as it takes. */
static GstElement *add_queue(Encode *self, GstElement *after, guint buffers)
{
    GstElement *queue = add(self, "queue", after);
    if (!self->failed)
        g_object_set(queue, "max-size-buffers", buffers, "max-size-time", (guint64)0,
                     "max-size-bytes", buffers > 0 ? 0 : ENCODED_BYTES, NULL);
    return queue;
}

static GstElement *add_file(Encode *self, GstElement *after, const char *name)
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

static void link_pad(Encode *self, GstElement *from, GstElement *muxer, const char *pad)
{
    if (self->failed || gst_element_link_pads(from, "src", muxer, pad))
        return;
    g_set_error(self->error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "mp4mux cannot be linked");
    self->failed = TRUE;
}

/* NAME/stream.mp4: fragments that begin with a key frame each. */
static void add_stream(Encode *self, GstElement *from, const char *pad, const char *name)
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
static GstElement *add_download(Encode *self, const char *name)
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

static GstElement *add_x264(Encode *self, GstElement *after, const MnbRung *rung)
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

static char *picture_caps(const Encode *self, const MnbRung *rung)
{
    return g_strdup_printf("video/x-raw, format=(string)I420, width=(int)%d, height=(int)%d, "
                           "pixel-aspect-ratio=(fraction)1/1, framerate=(fraction)%d/%d, "
                           "colorimetry=(string)%s",
                           rung->width, rung->height, rung->fps_n, rung->fps_d,
                           self->ladder->colorimetry);
}

static GstElement *add_scale(Encode *self, GstElement *after, const MnbRung *rung)
{
    g_autofree char *caps = picture_caps(self, rung);
    GstElement *scale = add(self, "videoconvertscale", after);
    set(self, scale, "method", "bilinear2"); /* the default loses 2 dB at the same cost */
    set(self, scale, "add-borders", "false");
    return add_caps(self, scale, caps);
}

static void build_picture(Encode *self)
{
    const MnbRung *top = &self->ladder->rungs[0];
    self->entry[0] = add(self, "videorate", NULL);
    GstElement *tee = add(self, "tee", add_scale(self, self->entry[0], top));
    for (int i = 0; i < self->ladder->n_rungs; i++) {
        const MnbRung *rung = &self->ladder->rungs[i];
        GstElement *last = add_queue(self, tee, RAW_BUFFERS);
        if (rung->fps_d != top->fps_d)
            last = add(self, "videorate", last);
        if (i > 0)
            last = add_scale(self, last, rung);
        last = add_x264(self, last, rung);
        if (i == 0)
            last = add(self, "tee", last);
        add_stream(self, last, "video_%u", rung->name);
        if (i == 0) {
            self->download = add_download(self, "video.mp4");
            link_pad(self, add_queue(self, last, 0), self->download, "video_%u");
        }
    }
}

static GstElement *add_aac(Encode *self, GstElement *after, int bitrate_bps)
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

static void build_sound(Encode *self, int sound)
{
    g_autofree char *full_name = sound_name("audio", sound);
    g_autofree char *low_name = sound_name("audio-low", sound);
    g_autofree char *download_name = g_strconcat(full_name, ".m4a", NULL);
    GstElement *entry = add(self, "audioconvert", NULL);
    GstElement *last = add(self, "audioresample", entry);
    self->entry[self->info->sounds[sound].stream] = entry;
    last = add_caps(self, last,
                    "audio/x-raw, format=(string)F32LE, layout=(string)interleaved, "
                    "rate=(int)48000, channels=(int)2, channel-mask=(bitmask)0x3");
    double gain = self->loudness->gain[sound];
    if (gain != 1) {
        last = add(self, "volume", last);
        if (!self->failed)
            g_object_set(last, "volume", MIN(gain, 10.0), NULL);
        last = gain > 10.0 ? add(self, "volume", last) : last; /* one of them goes up to 10 */
        if (!self->failed && gain > 10.0)
            g_object_set(last, "volume", gain / 10, NULL);
    }
    GstElement *raw = add(self, "tee", add(self, "audiorate", last));

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

/* ---- running ------------------------------------------------------------------------------------
 */

static GstPad *on_branch(int stream, gpointer owner)
{
    Encode *self = owner;
    GstElement *entry = self->entry[stream];
    return entry != NULL ? gst_element_get_static_pad(entry, "sink") : NULL;
}

/* One damaged time stamp of a film of seconds would have videorate fill hours with the same
 * picture. */
static gboolean is_beyond(const Encode *self, gint64 before_us, gint64 at_us)
{
    if (self->info->duration_us > 0 && at_us > self->info->duration_us + BEYOND_END_US)
        return TRUE;
    return at_us > before_us + HOLE_MAX_US;
}

static int stream_of(const Encode *self, const GstElement *entry)
{
    int stream = 0;
    while (stream < MNB_FILM_STREAMS - 1 && self->entry[stream] != entry)
        stream++;
    return stream;
}

/* Leaves out what is cut, and moves what is kept to where it is in the film. After the last piece
 * the stream is told that it is over. A piece of sound is cut at the borders of its buffers, 20 to
 * 100 ms long; audiorate and videorate keep both in step. */
static GstPadProbeReturn apply_edit(const Encode *self, GstPadProbeInfo *info, gint64 captured_us)
{
    gboolean is_cut_out = FALSE;
    const MnbFilmEdit *edit = self->edit;
    if (edit->n > 0 && captured_us > edit->ranges[edit->n - 1].end_us + PAST_END_US) {
        gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
        GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_EOS;
        return GST_PAD_PROBE_HANDLED;
    }
    gint64 film_us = mnb_film_edit_to_film(edit, captured_us, &is_cut_out);
    if (is_cut_out)
        return GST_PAD_PROBE_DROP;
    if (film_us == captured_us)
        return GST_PAD_PROBE_OK;
    GstBuffer *buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_BUFFER_PTS(buffer) -= (GstClockTime)(captured_us - film_us) * 1000;
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    GST_PAD_PROBE_INFO_DATA(info) = buffer;
    return GST_PAD_PROBE_OK;
}

/* The film's own time of each buffer that comes in: progress, and a sign of life. */
static GstPadProbeReturn on_buffer(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    Encode *self = data;
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    g_autoptr(GstElement) element = gst_pad_get_parent_element(pad);
    g_autoptr(GstEvent) event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
    mnb_program_tick(self->program);
    if (event == NULL || !GST_BUFFER_PTS_IS_VALID(buffer))
        return GST_PAD_PROBE_OK;
    const GstSegment *segment;
    gst_event_parse_segment(event, &segment);
    GstClockTime at = GST_BUFFER_PTS(buffer);
    guint64 began = gst_segment_to_running_time(segment, GST_FORMAT_TIME, at);
    if (GST_BUFFER_DURATION_IS_VALID(buffer))
        at += GST_BUFFER_DURATION(buffer);
    guint64 running = gst_segment_to_running_time(segment, GST_FORMAT_TIME, at);
    gint64 *position_us = &self->position_us[stream_of(self, element)];
    if (running == GST_CLOCK_TIME_NONE)
        return GST_PAD_PROBE_OK;
    gint64 at_us = (gint64)(running / 1000);
    if (is_beyond(self, *position_us, at_us)) {
        g_atomic_int_set(&self->has_dropped, 1);
        return GST_PAD_PROBE_DROP;
    }
    __atomic_store_n(position_us, at_us, __ATOMIC_RELAXED);
    if (self->edit->n == 0 || began == GST_CLOCK_TIME_NONE)
        return GST_PAD_PROBE_OK;
    return apply_edit(self, info, (gint64)(began / 1000));
}

/* The picture says how far the work is; sound is quick and runs ahead. */
static gint64 worked_us(Encode *self)
{
    int stream = self->entry[0] != NULL ? 0 : self->info->sounds[0].stream;
    return __atomic_load_n(&self->position_us[stream], __ATOMIC_RELAXED);
}

/* videorate and audiorate fill up to the end that the segment announces; a film that breaks off
 * would stand still in silence up to its promised length. */
static GstPadProbeReturn on_segment(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
    GstSegment segment;
    if (GST_EVENT_TYPE(event) != GST_EVENT_SEGMENT)
        return GST_PAD_PROBE_OK;
    gst_event_copy_segment(event, &segment);
    if (segment.stop == GST_CLOCK_TIME_NONE)
        return GST_PAD_PROBE_OK;
    segment.stop = GST_CLOCK_TIME_NONE;
    GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_segment(&segment);
    gst_event_unref(event);
    return GST_PAD_PROBE_OK;
}

static gint64 position_us(Encode *self)
{
    gint64 furthest_us = 0;
    for (int i = 0; i < MNB_FILM_STREAMS; i++)
        furthest_us = MAX(furthest_us, __atomic_load_n(&self->position_us[i], __ATOMIC_RELAXED));
    return furthest_us;
}

/* Returns: whether the work can go on after the error, with what there is of the film. */
static gboolean on_error(Encode *self, MnbFilm *film, GstMessage *message, GError **error)
{
    MnbFilmPart part = mnb_film_part_of(film, message);
    g_autoptr(GError) posted = NULL;
    mnb_job_error_set_message(&posted, message);
    gboolean is_broken_film = part != MNB_FILM_NOT_MINE && posted->code != MNB_JOB_IO &&
                              posted->code != MNB_JOB_DISK_FULL;
    if (is_broken_film && position_us(self) >= USEFUL_US) {
        mnb_film_end(film, part);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&posted));
    return FALSE;
}

/* At the end no picture comes in any more, but files still grow: the downloads get their index in
 * front by being copied, which takes minutes for a long film. */
static void tick_by_growth(Encode *self)
{
    gint64 now_us = g_get_monotonic_time();
    if (now_us - self->measured_us < GROWTH_LOOK_US)
        return;
    self->measured_us = now_us;
    guint64 bytes = mnb_files_total_bytes(self->folder);
    if (bytes != self->folder_bytes)
        mnb_program_tick(self->program);
    self->folder_bytes = bytes;
}

/* How much of what was captured is read: what comes after the last piece is not. 0: not known. */
static gint64 needed_us(const Encode *self)
{
    const MnbFilmEdit *edit = self->edit;
    gint64 all_us = self->info->duration_us;
    return edit->n > 0 && all_us > 0 ? MIN(edit->ranges[edit->n - 1].end_us, all_us) : all_us;
}

static gboolean wait(Encode *self, MnbFilm *film, gboolean *has_error, GError **error)
{
    g_autoptr(GstBus) bus = gst_element_get_bus(self->pipeline);
    MnbProgress progress = {0};
    for (int n_errors = 0; !mnb_program_is_stopping(self->program, error);) {
        gint64 at_us = position_us(self);
        if (at_us > MNB_FILM_DURATION_MAX_US) {
            g_set_error(error, MNB_JOB_ERROR, MNB_JOB_TOO_LARGE,
                        "the film is longer than 12 hours");
            return FALSE;
        }
        mnb_progress_report(&progress, worked_us(self), needed_us(self));
        g_autoptr(GstMessage) message =
            gst_bus_timed_pop_filtered(bus, 200 * GST_MSECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
        tick_by_growth(self);
        if (message == NULL)
            continue;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS)
            return TRUE;
        *has_error = TRUE;
        if (++n_errors > 100 || !on_error(self, film, message, error))
            return FALSE;
    }
    return FALSE;
}

static gboolean run(Encode *self, const char *path, MnbEncodeResult *result, GError **error)
{
    gboolean has_error = FALSE;
    for (int i = 0; i < MNB_FILM_STREAMS; i++) {
        if (self->entry[i] == NULL)
            continue;
        g_autoptr(GstPad) pad = gst_element_get_static_pad(self->entry[i], "sink");
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, self, NULL);
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_segment, NULL, NULL);
    }
    MnbFilm *film = mnb_film_new(path, self->pipeline, on_branch, self, error);
    if (film == NULL)
        return FALSE;
    gst_element_set_state(self->pipeline, GST_STATE_PLAYING);
    gboolean ok = wait(self, film, &has_error, error);
    gst_element_set_state(self->pipeline, GST_STATE_NULL);
    mnb_film_free(film);
    result->duration_us = position_us(self);
    result->is_truncated =
        has_error || (needed_us(self) > 0 && result->duration_us + TRUNCATED_US < needed_us(self));
    return ok;
}

gboolean mnb_encode(MnbProgram *program, const char *path, const MnbFilmInfo *info,
                    const MnbLadder *ladder, const MnbFilmEdit *edit, const MnbLoudness *loudness,
                    const char *folder, MnbEncodeResult *result_out, GError **error)
{
    Encode self = {
        .pipeline = gst_object_ref_sink(gst_pipeline_new(NULL)),
        .info = info,
        .ladder = ladder,
        .edit = edit,
        .loudness = loudness,
        .folder = folder,
        .program = program,
        .error = error,
    };
    *result_out = (MnbEncodeResult){0};
    if (info->has_video)
        build_picture(&self);
    for (int i = 0; i < info->n_sounds; i++)
        build_sound(&self, i);
    gboolean ok = !self.failed && run(&self, path, result_out, error);
    gst_object_unref(self.pipeline);
    return ok;
}
