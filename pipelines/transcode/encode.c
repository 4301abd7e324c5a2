#include "pipelines/transcode/encode-private.h"

#include "pipelines/common/files.h"

#define USEFUL_US      500000 /* a film that breaks off after less is no film */
#define TRUNCATED_US   (2 * (gint64)G_USEC_PER_SEC)
#define BEYOND_END_US  (60 * (gint64)G_USEC_PER_SEC)   /* of the length that the film says it has */
#define HOLE_MAX_US    (1800 * (gint64)G_USEC_PER_SEC) /* between two pictures or sounds */
#define PAST_END_US    (2 * (gint64)G_USEC_PER_SEC)    /* pictures come a little out of order */
#define GROWTH_LOOK_US (5 * (gint64)G_USEC_PER_SEC)

/* ---- running ------------------------------------------------------------------------------------
 */

static GstPad *on_branch(int stream, gpointer owner)
{
    MnbEncode *self = owner;
    GstElement *entry = self->entry[stream];
    return entry != NULL ? gst_element_get_static_pad(entry, "sink") : NULL;
}

/* One damaged time stamp of a film of seconds would have videorate fill hours with the same
 * picture. */
static gboolean is_beyond(const MnbEncode *self, gint64 before_us, gint64 at_us)
{
    if (self->info->duration_us > 0 && at_us > self->info->duration_us + BEYOND_END_US)
        return TRUE;
    return at_us > before_us + HOLE_MAX_US;
}

static int stream_of(const MnbEncode *self, const GstElement *entry)
{
    int stream = 0;
    while (stream < MNB_FILM_STREAMS - 1 && self->entry[stream] != entry)
        stream++;
    return stream;
}

/* Leaves out what is cut, and moves what is kept to where it is in the film. After the last piece
 * the stream is told that it is over. A piece of sound is cut at the borders of its buffers, 20 to
 * 100 ms long; audiorate and videorate keep both in step. */
static GstPadProbeReturn apply_edit(const MnbEncode *self, GstPadProbeInfo *info,
                                    gint64 captured_us)
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
    MnbEncode *self = data;
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
static gint64 worked_us(MnbEncode *self)
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

static gint64 position_us(MnbEncode *self)
{
    gint64 furthest_us = 0;
    for (int i = 0; i < MNB_FILM_STREAMS; i++)
        furthest_us = MAX(furthest_us, __atomic_load_n(&self->position_us[i], __ATOMIC_RELAXED));
    return furthest_us;
}

/* Returns: whether the work can go on after the error, with what there is of the film. */
static gboolean on_error(MnbEncode *self, MnbFilm *film, GstMessage *message, GError **error)
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
static void tick_by_growth(MnbEncode *self)
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
static gint64 needed_us(const MnbEncode *self)
{
    const MnbFilmEdit *edit = self->edit;
    gint64 all_us = self->info->duration_us;
    return edit->n > 0 && all_us > 0 ? MIN(edit->ranges[edit->n - 1].end_us, all_us) : all_us;
}

static gboolean wait(MnbEncode *self, MnbFilm *film, gboolean *has_error, GError **error)
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

static gboolean run(MnbEncode *self, const char *path, MnbEncodeResult *result, GError **error)
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
    MnbEncode self = {
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
        mnb_encode_build_picture(&self);
    for (int i = 0; i < info->n_sounds; i++)
        mnb_encode_build_sound(&self, i);
    gboolean ok = !self.failed && run(&self, path, result_out, error);
    gst_object_unref(self.pipeline);
    result_out->thumbs = self.thumbs;
    result_out->waveform = self.waveform;
    return ok;
}

void mnb_encode_result_clear(MnbEncodeResult *result)
{
    g_clear_pointer(&result->thumbs, mnb_thumbs_free);
    g_clear_pointer(&result->waveform, mnb_waveform_free);
}
