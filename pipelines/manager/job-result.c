#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>

#include "pipelines/manager/job-plan.h"
#include "pipelines/manager/trees.h"
#include "recordings/film-edit.h"
#include "server/base/error.h"
#include "server/base/log.h"

#define RENDITIONS_MAX 16
#define POSTERS_MAX    9
#define TEXT_MAX       65536

/* ---------------------------------------------------------------- reading the event */

/* A file below the media folder that the program says it made. Returns its size, or -1. */
static gint64 size_of(const MnbJobPlan *plan, const char *path)
{
    struct stat info;
    g_autofree char *whole = g_build_filename(plan->dir, path, NULL);
    if (lstat(whole, &info) < 0 || !S_ISREG(info.st_mode))
        return -1;
    return info.st_size;
}

/* Only what our programs name: "720p/index.m3u8". */
static gboolean is_plain(const char *path)
{
    static const char allowed[] = G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-/";
    return path[0] != '\0' && path[0] != '/' && strlen(path) < 200 &&
           strspn(path, allowed) == strlen(path) && strstr(path, "..") == NULL;
}

static int small(const json_t *object, const char *key, int max)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 && value <= max ? (int)value : 0;
}

static gint64 large(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? value : 0;
}

/* Adds media/@path as a rendition. An empty or missing @path is none and fine; one that is not
 * there is not. */
static gboolean add(MnbJobResult *result, const MnbJobPlan *plan, const char *name,
                    MnbRenditionKind kind, const char *path, const json_t *about, GError **error)
{
    if (path == NULL || path[0] == '\0')
        return TRUE;
    g_autofree char *below = g_build_filename("media", path, NULL);
    gint64 bytes = is_plain(path) && is_plain(name) ? size_of(plan, below) : -1;
    if (bytes < 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "the program names a file that it did not make");
        return FALSE;
    }
    MnbRendition *rendition = g_new0(MnbRendition, 1);
    rendition->name = g_strdup(name);
    rendition->kind = kind;
    rendition->path = g_steal_pointer(&below);
    rendition->bytes = bytes;
    if (about != NULL) {
        rendition->width = small(about, "width", 65535);
        rendition->height = small(about, "height", 65535);
        rendition->bitrate_bps = small(about, "bitrate_bps", G_MAXINT32);
        if (kind == MNB_RENDITION_HLS && large(about, "bytes") > 0)
            rendition->bytes = large(about, "bytes");
    }
    g_ptr_array_add(result->renditions, rendition);
    return TRUE;
}

static gboolean add_ladder(MnbJobResult *result, const MnbJobPlan *plan, const json_t *done,
                           GError **error)
{
    json_t *list = json_object_get(done, "renditions");
    for (size_t i = 0; i < json_array_size(list) && i < RENDITIONS_MAX; i++) {
        const json_t *each = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(each, "name"));
        const char *kind = json_string_value(json_object_get(each, "kind"));
        const char *playlist = json_string_value(json_object_get(each, "playlist"));
        /* Sound alone is an audio group of the master playlist and no choice of its own. */
        if (name == NULL || g_strcmp0(kind, "video") != 0)
            continue;
        if (!add(result, plan, name, MNB_RENDITION_HLS, playlist, each, error))
            return FALSE;
    }
    return TRUE;
}

/* Posters to choose from, small pictures, waveform: any of them may be missing. */
static gboolean add_extras(MnbJobResult *result, const MnbJobPlan *plan, const json_t *done,
                           GError **error)
{
    const json_t *posters = json_object_get(done, "posters");
    for (size_t i = 0; i < json_array_size(posters) && i < POSTERS_MAX; i++) {
        g_autofree char *name = g_strdup_printf(MNB_POSTER_NAME "-%d", (int)i + 1);
        if (!add(result, plan, name, MNB_RENDITION_CANDIDATE,
                 json_string_value(json_array_get(posters, i)), NULL, error))
            return FALSE;
    }
    return add(result, plan, "thumbnails", MNB_RENDITION_THUMBNAILS,
               json_string_value(json_object_get(done, "thumbnails")), NULL, error) &&
           add(result, plan, "waveform", MNB_RENDITION_WAVEFORM,
               json_string_value(json_object_get(done, "waveform")), NULL, error);
}

static gboolean read_transcode(MnbJobResult *result, const MnbJobPlan *plan, const json_t *done,
                               GError **error)
{
    const char *master = json_string_value(json_object_get(done, "master"));
    const char *video = json_string_value(json_object_get(done, "download"));
    const char *audio = json_string_value(json_object_get(done, "audio_download"));
    const char *poster = json_string_value(json_object_get(done, "poster"));
    if (master == NULL || master[0] == '\0') {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "the program made no playlist");
        return FALSE;
    }
    return add(result, plan, "master", MNB_RENDITION_HLS, master, done, error) &&
           add_ladder(result, plan, done, error) &&
           add(result, plan, "video.mp4", MNB_RENDITION_DOWNLOAD, video, done, error) &&
           add(result, plan, "audio.m4a", MNB_RENDITION_DOWNLOAD, audio, NULL, error) &&
           add(result, plan, MNB_POSTER_NAME, MNB_RENDITION_POSTER, poster, NULL, error) &&
           add_extras(result, plan, done, error);
}

static gboolean put_in_place(const MnbJobPlan *plan, GError **error)
{
    g_autofree char *next = g_build_filename(plan->dir, "media.next", NULL);
    g_autofree char *media = g_build_filename(plan->dir, "media", NULL);
    g_autofree char *old = g_build_filename(plan->dir, "media.old", NULL);
    int result = mnb_tree_replace(next, media, old);
    return result == 0 || mnb_error_from_errno(error, result, "%s", media);
}

/* Returns (owned): NULL when there is none that can be read; the film does without. */
static MnbCaptureTimeline *load_timeline(const MnbJobPlan *plan)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(plan->dir, "timeline.json", NULL);
    MnbCaptureTimeline *timeline = mnb_capture_timeline_load_file(path, &error);
    if (timeline == NULL)
        MNB_LOG_WARNING("a recording has no timeline", "dir=%s: %s", plan->dir, error->message);
    return timeline;
}

/* Returns (owned): "[[0,60000]]", of the job's spec. */
static char *edit_of(const MnbJob *job)
{
    MnbFilmEdit edit;
    json_t *spec = json_loads(job->spec, JSON_REJECT_DUPLICATES, NULL);
    mnb_film_edit_parse(json_object_get(spec, "edit"), 1000, &edit);
    json_t *list = mnb_film_edit_to_json(&edit, 1000);
    char *raw = json_dumps(list, JSON_COMPACT);
    char *text = g_strdup(raw);
    free(raw);
    json_decref(list);
    json_decref(spec);
    return text;
}

MnbJobResult *mnb_job_result_new(const MnbJobPlan *plan, const MnbJob *job, const json_t *done,
                                 gint64 now_us, GError **error)
{
    g_autoptr(MnbJobResult) result = g_new0(MnbJobResult, 1);
    result->kind = job->kind;
    result->job = g_strdup(job->id);
    result->recording = g_strdup(job->recording);
    result->now_us = now_us;
    result->renditions = g_ptr_array_new_with_free_func((GDestroyNotify)mnb_rendition_free);
    result->duration_us = large(done, "duration_us");
    /* Of our own intermediate film the transcoder knows only what was left of the whole. */
    if (g_strcmp0(plan->input_name, "film.mkv") != 0)
        result->source_us = large(done, "source_us");
    if (job->kind == MNB_JOB_TRANSCODE)
        result->edit = edit_of(job);
    if (job->kind == MNB_JOB_COMPOSE)
        result->timeline = load_timeline(plan);
    result->width = small(done, "width", 65535);
    result->height = small(done, "height", 65535);
    char *raw = json_dumps(done, JSON_COMPACT);
    result->text = raw != NULL && strlen(raw) < TEXT_MAX ? g_strdup(raw) : NULL;
    free(raw);
    if (job->kind == MNB_JOB_TRANSCODE &&
        (!put_in_place(plan, error) || !read_transcode(result, plan, done, error)))
        return NULL;
    if (job->kind == MNB_JOB_STILLS &&
        !add(result, plan, MNB_POSTER_NAME, MNB_RENDITION_POSTER, "poster.jpg", NULL, error))
        return NULL;
    return g_steal_pointer(&result);
}

void mnb_job_result_free(MnbJobResult *result)
{
    if (result == NULL)
        return;
    g_free(result->job);
    g_free(result->recording);
    g_free(result->text);
    g_free(result->edit);
    mnb_capture_timeline_free(result->timeline);
    if (result->renditions != NULL)
        g_ptr_array_unref(result->renditions);
    g_free(result);
}

/* ---------------------------------------------------------------- writing it */

static gboolean mark_repaired(MnbDb *db, const MnbJobResult *result, GError **error)
{
    g_autoptr(GPtrArray) parts = mnb_part_list(db, result->recording, error);
    if (parts == NULL)
        return FALSE;
    for (guint i = 0; i < parts->len; i++) {
        const MnbPart *part = parts->pdata[i];
        if (part->state == MNB_PART_CUT &&
            !mnb_part_set(db, result->recording, part->part, MNB_PART_REPAIRED, 0, NULL, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean write_size(MnbDb *db, const MnbJobResult *result, GError **error)
{
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, result->recording, error);
    if (recording == NULL)
        return FALSE;
    recording->duration_us = result->duration_us;
    if (result->source_us > 0)
        recording->source_us = result->source_us;
    if (result->edit != NULL) {
        g_free(recording->edit_made);
        recording->edit_made = g_strdup(result->edit);
    }
    recording->width = result->width;
    recording->height = result->height;
    return mnb_recording_update(db, recording, result->now_us, error);
}

static gboolean write_renditions(MnbDb *db, const MnbJobResult *result, GError **error)
{
    if (result->kind == MNB_JOB_TRANSCODE &&
        !mnb_rendition_remove_all(db, result->recording, error))
        return FALSE;
    for (guint i = 0; i < result->renditions->len; i++) {
        if (!mnb_rendition_put(db, result->recording, result->renditions->pdata[i], error))
            return FALSE;
    }
    return TRUE;
}

/* Is it the last one? A recording that was reviewed, published or withdrawn since stays that. */
static gboolean finish_recording(MnbDb *db, MnbJobResult *result, GError **error)
{
    MnbProgress progress = {0};
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, result->recording, error);
    if (recording == NULL || !mnb_recording_progress(db, result->recording, &progress, error))
        return FALSE;
    gboolean is_last = progress.n_open == 0 && progress.reason_code == NULL;
    mnb_progress_clear(&progress);
    result->is_recording_ready = is_last && result->kind == MNB_JOB_TRANSCODE &&
                                 recording->state == MNB_RECORDING_PROCESSING;
    return !result->is_recording_ready ||
           mnb_recording_set_ready(db, result->recording, result->now_us, &result->state, error);
}

static gboolean write_moments(MnbDb *db, const MnbJobResult *result, GError **error)
{
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, result->recording, error);
    if (recording == NULL)
        return FALSE;
    return recording->session == NULL ||
           mnb_moments_from_session(db, recording->id, recording->session, result->timeline, error);
}

gboolean mnb_job_result_write(MnbDb *db, gpointer data, GError **error)
{
    MnbJobResult *result = data;
    if (!mnb_job_finish(db, result->job, result->text, result->now_us, error))
        return FALSE;
    if (result->kind == MNB_JOB_REPAIR && !mark_repaired(db, result, error))
        return FALSE;
    if ((result->kind == MNB_JOB_COMPOSE || result->kind == MNB_JOB_TRANSCODE) &&
        !write_size(db, result, error))
        return FALSE;
    if (result->timeline != NULL && !write_moments(db, result, error))
        return FALSE;
    return write_renditions(db, result, error) && finish_recording(db, result, error);
}

/* ---------------------------------------------------------------- tidying */

static void run_tidy(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    for (char **path = data; *path != NULL; path++) {
        int error = mnb_tree_remove(*path);
        if (error < 0)
            MNB_LOG_WARNING("what is not needed any more stays on the disk", "path=%s: %s", *path,
                            g_strerror(-error));
    }
    g_task_return_boolean(task, TRUE);
}

void mnb_job_result_tidy(const MnbJobPlan *plan, MnbJobKind kind)
{
    if (kind != MNB_JOB_TRANSCODE)
        return;
    g_autoptr(GStrvBuilder) paths = g_strv_builder_new();
    g_autofree char *old = g_build_filename(plan->dir, "media.old", NULL);
    g_strv_builder_add(paths, old);
    if (g_strcmp0(plan->input_name, "film.mkv") == 0) {
        g_autofree char *film = g_build_filename(plan->dir, plan->input_name, NULL);
        g_strv_builder_add(paths, film);
    }
    g_autoptr(GTask) task = g_task_new(NULL, NULL, NULL, NULL);
    g_task_set_task_data(task, g_strv_builder_end(paths), (GDestroyNotify)g_strfreev);
    g_task_run_in_thread(task, run_tidy);
}
