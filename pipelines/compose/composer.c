#include "pipelines/compose/composer.h"

#include "pipelines/common/files.h"
#include "pipelines/compose/channels.h"
#include "pipelines/compose/film-writer.h"
#include "pipelines/compose/plan.h"
#include "pipelines/compose/scene.h"
#include "pipelines/compose/sound.h"

#include <sys/stat.h>

#define HOLD_US 500000

typedef struct {
    const MnbPlan *plan;
    GstVideoInfo info;
    MnbScene *scene;
    MnbFilmWriter *writer;
    MnbTimeline *timeline;
    MnbChannels *channels;
    gboolean has_audio;
    GstBuffer *canvas; /* owned: what was painted last */
    GstBuffer *sent;   /* owned: its copy that went to the encoder; NULL: none yet */
    gint64 sent_frame;
} Composer;

/* ---- sound --------------------------------------------------------------------------------------
 */

/* Where the picture @frame of the film was captured: its piece goes on at picture
 * @frame - first_frame of @range. */
typedef struct {
    const MnbFilmRange *range;
    gint64 first_frame;
} Piece;

static gint64 sample_of(const Composer *self, gint64 frame)
{
    return frame * MNB_SOUND_RATE / self->plan->fps;
}

/* The sound that goes with one picture: from the picture's time to that of the next. */
static gboolean put_sound(Composer *self, const Piece *piece, gint64 frame, gint64 at_us,
                          GError **error)
{
    gint64 first = sample_of(self, frame);
    gint n = (gint)(sample_of(self, frame + 1) - first);
    gint64 captured = piece->range->start_us * MNB_SOUND_RATE / (gint64)G_USEC_PER_SEC + first -
                      sample_of(self, piece->first_frame);
    gsize size = (gsize)n * MNB_SOUND_CHANNELS * sizeof(gfloat);
    gfloat *samples[MNB_PLAN_CHANNELS_MAX] = {NULL};
    guint n_channels = self->plan->channels->len;
    for (guint i = 0; i < n_channels; i++)
        samples[i] = g_malloc0(size);
    gboolean ok = mnb_channels_mix(self->channels, at_us, captured, n, samples, error);
    for (guint i = 0; i < n_channels; i++) {
        GstBuffer *buffer = gst_buffer_new_wrapped(samples[i], size);
        GST_BUFFER_PTS(buffer) =
            gst_util_uint64_scale_int((guint64)first, GST_SECOND, MNB_SOUND_RATE);
        GST_BUFFER_DURATION(buffer) =
            gst_util_uint64_scale_int((guint64)n, GST_SECOND, MNB_SOUND_RATE);
        if (ok)
            ok = mnb_film_writer_put_sound(self->writer, i, buffer, error);
        else
            gst_buffer_unref(buffer);
    }
    return ok;
}

/* ---- picture ------------------------------------------------------------------------------------
 */

static gboolean paint(Composer *self, gint64 at_us, gboolean *changed, GError **error)
{
    GstVideoFrame video;
    MnbPicture canvas;
    if (!gst_video_frame_map(&video, &self->info, self->canvas, GST_MAP_READWRITE)) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "no memory for the picture");
        return FALSE;
    }
    mnb_picture_from_frame(&canvas, &video);
    gboolean ok = mnb_scene_paint(self->scene, at_us, &canvas, changed, error);
    gst_video_frame_unmap(&video);
    return ok;
}

/* While nothing moves the film has a picture each HOLD_US only; the last one stays for as long as
 * it stands there. */
static gboolean put_picture(Composer *self, gint64 frame, gint64 at_us, gboolean is_last,
                            GError **error)
{
    gboolean changed;
    mnb_scene_set_speaker(self->scene, mnb_timeline_speaker(self->timeline, at_us));
    if (!paint(self, at_us, &changed, error))
        return FALSE;
    gint64 hold = HOLD_US * self->plan->fps / (gint64)G_USEC_PER_SEC;
    if (!changed && !is_last && self->sent != NULL && frame - self->sent_frame < hold)
        return TRUE;
    if (changed || self->sent == NULL) {
        gst_clear_buffer(&self->sent);
        self->sent = gst_buffer_copy_deep(self->canvas);
    }
    self->sent_frame = frame;
    GstBuffer *buffer = gst_buffer_copy(self->sent); /* the pixels are shared */
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale_int((guint64)frame, GST_SECOND, self->plan->fps);
    GST_BUFFER_DURATION(buffer) = GST_SECOND / (guint)self->plan->fps;
    return mnb_film_writer_put_picture(self->writer, buffer, error);
}

static gint64 frames_of(const MnbPlan *plan, gint64 length_us)
{
    return MAX(length_us * plan->fps / (gint64)G_USEC_PER_SEC, 1);
}

static gint64 count_frames(const MnbPlan *plan)
{
    gint64 n = 0;
    for (guint i = 0; i < plan->edit.n; i++)
        n += frames_of(plan, plan->edit.ranges[i].end_us - plan->edit.ranges[i].start_us);
    return n;
}

static gboolean run(Composer *self, MnbProgram *program, gint64 n_frames, GError **error)
{
    MnbProgress progress = {0};
    gint64 frame = 0;
    for (guint i = 0; i < self->plan->edit.n; i++) {
        const Piece piece = {&self->plan->edit.ranges[i], frame};
        gint64 length_us = piece.range->end_us - piece.range->start_us;
        gint64 end = frame + frames_of(self->plan, length_us);
        for (; frame < end; frame++) {
            gint64 at_us = piece.range->start_us +
                           (frame - piece.first_frame) * (gint64)G_USEC_PER_SEC / self->plan->fps;
            if (mnb_program_is_stopping(program, error) ||
                !put_picture(self, frame, at_us, frame + 1 == n_frames, error) ||
                (self->has_audio && !put_sound(self, &piece, frame, at_us, error)))
                return FALSE;
            mnb_program_tick(program);
            mnb_progress_report(&progress, frame, n_frames);
        }
    }
    return mnb_film_writer_finish(self->writer, program, error);
}

/* Of everything that was captured; a film with cuts does not know what it left out. */
static gboolean write_timeline(Composer *self, GError **error)
{
    if (!self->plan->is_whole)
        return TRUE;
    g_autofree char *folder = g_path_get_dirname(self->plan->out);
    g_autofree char *path = g_build_filename(folder, "timeline.json", NULL);
    return mnb_timeline_write(self->timeline, path, error);
}

/* ---- the job ------------------------------------------------------------------------------------
 */

static gboolean has_audio(const MnbPlan *plan)
{
    for (guint i = 0; i < plan->tracks->len; i++)
        if (!((MnbPlanTrack *)g_ptr_array_index(plan->tracks, i))->is_video)
            return TRUE;
    return FALSE;
}

static gboolean compose(const MnbPlan *plan, MnbProgram *program, const char *half, gint64 n_frames,
                        GError **error)
{
    Composer self = {.plan = plan, .has_audio = has_audio(plan)};
    gst_video_info_set_format(&self.info, GST_VIDEO_FORMAT_I420, (guint)plan->width,
                              (guint)plan->height);
    GST_VIDEO_INFO_FPS_N(&self.info) = plan->fps;
    GST_VIDEO_INFO_FPS_D(&self.info) = 1;
    gst_video_colorimetry_from_string(&GST_VIDEO_INFO_COLORIMETRY(&self.info), "bt601");
    self.writer =
        mnb_film_writer_new(half, &self.info, self.has_audio ? plan->channels : NULL, error);
    if (self.writer == NULL)
        return FALSE;
    self.canvas = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(&self.info), NULL);
    self.scene = mnb_scene_new(plan);
    self.timeline = mnb_timeline_new(plan);
    self.channels = mnb_channels_new(plan, self.timeline);
    gboolean ok = run(&self, program, n_frames, error) && write_timeline(&self, error);
    mnb_channels_free(self.channels);
    mnb_timeline_free(self.timeline);
    mnb_scene_free(self.scene);
    mnb_film_writer_free(self.writer);
    gst_clear_buffer(&self.canvas);
    gst_clear_buffer(&self.sent);
    return ok;
}

json_t *mnb_composer_run(MnbProgram *program, const json_t *job, GError **error)
{
    g_autoptr(MnbPlan) plan = mnb_plan_new(job, error);
    if (plan == NULL)
        return NULL;
    gint64 n_frames = count_frames(plan);
    g_autofree char *half = g_strconcat(plan->out, ".tmp", NULL);
    gboolean ok = compose(plan, program, half, n_frames, error);
    mnb_program_be_patient(program, MNB_SYNC_PATIENCE_S);
    if (!ok || !mnb_files_publish(half, plan->out, error)) {
        mnb_files_remove(half, NULL);
        return NULL;
    }
    struct stat info = {0};
    stat(plan->out, &info);
    return json_pack("{s:s, s:s, s:I, s:I, s:i, s:i, s:I, s:i, s:i, s:b}", "event", "done", "out",
                     plan->out, "duration_us",
                     (json_int_t)(n_frames * (gint64)G_USEC_PER_SEC / plan->fps), "source_us",
                     (json_int_t)plan->end_us, "width", plan->width, "height", plan->height,
                     "bytes", (json_int_t)info.st_size, "peers", (int)plan->peers->len, "channels",
                     (int)plan->channels->len, "has_audio", has_audio(plan));
}
