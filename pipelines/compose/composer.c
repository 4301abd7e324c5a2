#include "pipelines/compose/composer.h"

#include "pipelines/common/files.h"
#include "pipelines/compose/film-writer.h"
#include "pipelines/compose/plan.h"
#include "pipelines/compose/scene.h"
#include "pipelines/compose/sound.h"

#include <sys/stat.h>

#define OPEN_EARLY_US 300000

typedef struct {
    const MnbPlan *plan;
    GstVideoInfo info;
    MnbScene *scene;
    MnbFilmWriter *writer;
    guint next_track;  /* of plan->tracks: not opened yet */
    GPtrArray *sounds; /* MnbSound, owned */
    GArray *ends_us;   /* gint64: of sounds */
    gboolean has_audio;
} Composer;

static gint64 film_us(const Composer *self, gint64 frame)
{
    return frame * (gint64)G_USEC_PER_SEC / self->plan->fps;
}

/* ---- sound --------------------------------------------------------------------------------------
 */

static gboolean open_sounds(Composer *self, gint64 at_us, GError **error)
{
    for (; self->next_track < self->plan->tracks->len; self->next_track++) {
        const MnbPlanTrack *track = g_ptr_array_index(self->plan->tracks, self->next_track);
        if (track->start_us > at_us + OPEN_EARLY_US)
            break;
        if (track->is_video || track->end_us < at_us)
            continue;
        MnbSound *sound = mnb_sound_new(track, error);
        if (sound == NULL)
            return FALSE;
        g_ptr_array_add(self->sounds, sound);
        g_array_append_val(self->ends_us, track->end_us);
    }
    return TRUE;
}

static void close_sounds(Composer *self, gint64 at_us)
{
    for (guint i = self->sounds->len; i > 0; i--) {
        if (g_array_index(self->ends_us, gint64, i - 1) + (gint64)G_USEC_PER_SEC >= at_us)
            continue;
        g_ptr_array_remove_index(self->sounds, i - 1);
        g_array_remove_index(self->ends_us, i - 1);
    }
}

/* The sound that goes with one picture: from the picture's time to that of the next. */
static gboolean put_sound(Composer *self, gint64 frame, gint64 at_us, GError **error)
{
    gint64 first = frame * MNB_SOUND_RATE / self->plan->fps;
    gint n = (gint)((frame + 1) * MNB_SOUND_RATE / self->plan->fps - first);
    gint64 trim = self->plan->start_us * MNB_SOUND_RATE / (gint64)G_USEC_PER_SEC;
    gsize size = (gsize)n * MNB_SOUND_CHANNELS * sizeof(gfloat);
    if (!open_sounds(self, at_us, error))
        return FALSE;
    gfloat *samples = g_malloc0(size);
    for (guint i = 0; i < self->sounds->len; i++)
        mnb_sound_mix(g_ptr_array_index(self->sounds, i), trim + first, n, samples);
    mnb_sound_limit(samples, n * MNB_SOUND_CHANNELS);
    close_sounds(self, at_us);
    GstBuffer *buffer = gst_buffer_new_wrapped(samples, size);
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale_int((guint64)first, GST_SECOND, MNB_SOUND_RATE);
    GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale_int((guint64)n, GST_SECOND, MNB_SOUND_RATE);
    return mnb_film_writer_put_sound(self->writer, buffer, error);
}

/* ---- picture ------------------------------------------------------------------------------------
 */

static gboolean put_picture(Composer *self, gint64 frame, gint64 at_us, GError **error)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(&self->info), NULL);
    GstVideoFrame video;
    MnbPicture canvas;
    gst_video_frame_map(&video, &self->info, buffer, GST_MAP_WRITE);
    mnb_picture_from_frame(&canvas, &video);
    gboolean ok = mnb_scene_paint(self->scene, at_us, &canvas, error);
    gst_video_frame_unmap(&video);
    if (!ok) {
        gst_buffer_unref(buffer);
        return FALSE;
    }
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale_int((guint64)frame, GST_SECOND, self->plan->fps);
    GST_BUFFER_DURATION(buffer) = GST_SECOND / (guint)self->plan->fps;
    return mnb_film_writer_put_picture(self->writer, buffer, error);
}

static gboolean run(Composer *self, MnbProgram *program, gint64 n_frames, GError **error)
{
    MnbProgress progress = {0};
    for (gint64 frame = 0; frame < n_frames; frame++) {
        gint64 at_us = self->plan->start_us + film_us(self, frame);
        if (mnb_program_is_stopping(program, error) || !put_picture(self, frame, at_us, error) ||
            (self->has_audio && !put_sound(self, frame, at_us, error)))
            return FALSE;
        mnb_program_tick(program);
        mnb_progress_report(&progress, frame, n_frames);
    }
    return mnb_film_writer_finish(self->writer, program, error);
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
    self.writer = mnb_film_writer_new(half, &self.info, self.has_audio, error);
    if (self.writer == NULL)
        return FALSE;
    self.scene = mnb_scene_new(plan);
    self.sounds = g_ptr_array_new_with_free_func((GDestroyNotify)mnb_sound_free);
    self.ends_us = g_array_new(FALSE, FALSE, sizeof(gint64));
    gboolean ok = run(&self, program, n_frames, error);
    g_ptr_array_unref(self.sounds);
    g_array_unref(self.ends_us);
    mnb_scene_free(self.scene);
    mnb_film_writer_free(self.writer);
    return ok;
}

json_t *mnb_composer_run(MnbProgram *program, const json_t *job, GError **error)
{
    g_autoptr(MnbPlan) plan = mnb_plan_new(job, error);
    if (plan == NULL)
        return NULL;
    gint64 duration_us = plan->end_us - plan->start_us;
    gint64 n_frames = MAX(duration_us * plan->fps / (gint64)G_USEC_PER_SEC, 1);
    g_autofree char *half = g_strconcat(plan->out, ".tmp", NULL);
    gboolean ok = compose(plan, program, half, n_frames, error);
    mnb_program_be_patient(program, MNB_SYNC_PATIENCE_S);
    if (!ok || !mnb_files_publish(half, plan->out, error)) {
        mnb_files_remove(half, NULL);
        return NULL;
    }
    struct stat info = {0};
    stat(plan->out, &info);
    return json_pack("{s:s, s:s, s:I, s:i, s:i, s:I, s:i, s:b}", "event", "done", "out", plan->out,
                     "duration_us", (json_int_t)(n_frames * (gint64)G_USEC_PER_SEC / plan->fps),
                     "width", plan->width, "height", plan->height, "bytes",
                     (json_int_t)info.st_size, "peers", (int)plan->peers->len, "has_audio",
                     has_audio(plan));
}
