#include "pipelines/transcode/transcoder.h"

#include "pipelines/common/files.h"
#include "pipelines/stills/stills.h"
#include "pipelines/transcode/encode.h"
#include "pipelines/transcode/hls.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RENDITIONS_MAX (MNB_RUNGS_MAX + 2 * MNB_FILM_SOUNDS_MAX)
#define POSTER_WIDTH   1280

typedef struct {
    MnbProgram *program;
    const char *input, *out_dir;
    json_t *languages; /* borrowed; NULL: not told */
    char *half;        /* owned: OUT_DIR.tmp */
    MnbFilmEdit edit;
    MnbFilmInfo info;
    MnbLadder ladder;
    MnbEncodeResult encoded;
    MnbRendition renditions[RENDITIONS_MAX];
    int n_renditions;
    guint n_posters;
    gboolean has_thumbs, has_waveform;
} Transcode;

static void list_renditions(Transcode *self)
{
    for (int i = 0; i < self->ladder.n_rungs; i++) {
        MnbRendition *rendition = &self->renditions[self->n_renditions++];
        rendition->is_video = TRUE;
        rendition->rung = &self->ladder.rungs[i];
        g_strlcpy(rendition->name, self->ladder.rungs[i].name, sizeof rendition->name);
    }
    for (int i = 0; i < self->info.n_sounds; i++) {
        for (int is_low = 0; is_low < 2; is_low++) {
            MnbRendition *rendition = &self->renditions[self->n_renditions++];
            const char *base = is_low ? "audio-low" : "audio";
            rendition->sound = i;
            rendition->is_low = is_low;
            g_strlcpy(rendition->language, self->info.sounds[i].language,
                      sizeof rendition->language);
            if (i == 0)
                g_strlcpy(rendition->name, base, sizeof rendition->name);
            else
                g_snprintf(rendition->name, sizeof rendition->name, "%s-%d", base, i + 1);
        }
    }
}

/* A film with one sound often says of its language what the camera's maker thought of: then the
 * word of those who know it counts, when they name one language. */
static void set_language(Transcode *self)
{
    json_t *languages = self->languages;
    if (self->info.n_sounds != 1)
        return;
    const char *language =
        json_array_size(languages) == 1 ? json_string_value(json_array_get(languages, 0)) : NULL;
    g_strlcpy(self->info.sounds[0].language, language != NULL ? language : "",
              sizeof self->info.sounds[0].language);
}

/* A language in which nothing was ever said is left out; the film is not spoilt by it. */
static gboolean drop_empty_sound(Transcode *self, int i, GError **error)
{
    if (self->renditions[i].is_video || self->renditions[i].sound == 0)
        return FALSE;
    mnb_lines_warn("empty-sound", "nothing came out for %s", self->renditions[i].name);
    g_clear_error(error);
    g_autofree char *path = g_build_filename(self->half, self->renditions[i].name, NULL);
    mnb_files_remove(path, NULL);
    memmove(&self->renditions[i], &self->renditions[i + 1],
            (gsize)(self->n_renditions - i - 1) * sizeof self->renditions[0]);
    self->n_renditions--;
    return TRUE;
}

static gboolean index_all(Transcode *self, GError **error)
{
    for (int i = 0; i < self->n_renditions;) {
        if (mnb_hls_index(self->half, &self->renditions[i], error))
            i++;
        else if (!drop_empty_sound(self, i, error))
            return FALSE;
    }
    return mnb_hls_master(self->half, self->renditions, self->n_renditions, error);
}

/* From the film just made: its key frames are near and it is known to decode. The first one is the
 * best and has a second name, which links to films of before know. */
static void make_posters(Transcode *self)
{
    g_autofree char *film = g_build_filename(self->half, "video.mp4", NULL);
    g_autofree char *first = g_build_filename(self->half, "poster-1.jpg", NULL);
    g_autofree char *poster = g_build_filename(self->half, "poster.jpg", NULL);
    gint64 at_us[MNB_THUMBS_POSTERS];
    g_autoptr(GError) error = NULL;
    MnbFilmInfo info;
    MnbStill still;
    guint n = self->encoded.thumbs != NULL ? mnb_thumbs_posters(self->encoded.thumbs, at_us) : 0;
    if (n == 0)
        return;
    gboolean ok = mnb_film_probe(self->program, film, &info, &error) && info.has_video;
    for (guint i = 0; ok && i < n; i++) {
        g_autofree char *name = g_strdup_printf("poster-%u.jpg", i + 1);
        g_autofree char *path = g_build_filename(self->half, name, NULL);
        /* 0 would leave the choice to it. */
        ok = mnb_stills_make(self->program, film, &info, path, MAX(at_us[i], 1), POSTER_WIDTH,
                             &still, &error);
        self->n_posters += ok;
    }
    if (self->n_posters > 0 && link(first, poster) != 0)
        self->n_posters = 0;
    if (!ok)
        mnb_lines_warn("poster", "no poster: %s", error != NULL ? error->message : "no picture");
}

/* A film without these is a film all the same. */
static void make_extras(Transcode *self)
{
    g_autoptr(GError) error = NULL;
    const MnbEncodeResult *encoded = &self->encoded;
    make_posters(self);
    if (encoded->thumbs != NULL && mnb_thumbs_count(encoded->thumbs) > 0)
        self->has_thumbs =
            mnb_thumbs_write(encoded->thumbs, self->half, self->renditions[0].duration_us, &error);
    if (encoded->waveform != NULL && mnb_waveform_count(encoded->waveform) > 0 && error == NULL) {
        g_autofree char *path = g_build_filename(self->half, "waveform.json", NULL);
        g_autofree char *text = mnb_waveform_to_json(encoded->waveform);
        self->has_waveform = mnb_files_write(path, text, strlen(text), &error);
    }
    if (error != NULL)
        mnb_lines_warn("extras", "no small pictures or no waveform: %s", error->message);
}

static gboolean make(Transcode *self, GError **error)
{
    if (!mnb_film_probe(self->program, self->input, &self->info, error))
        return FALSE;
    set_language(self);
    mnb_ladder_make(&self->info, &self->ladder);
    list_renditions(self);
    if (!mnb_files_remove(self->half, error))
        return FALSE;
    if (mkdir(self->half, 0755) != 0)
        return mnb_job_error_set_errno(error, errno, self->half);
    MnbLoudness loudness;
    if (!mnb_loudness_measure(self->program, self->input, &self->info, &self->edit, &loudness,
                              error) ||
        !mnb_encode(self->program, self->input, &self->info, &self->ladder, &self->edit, &loudness,
                    self->half, &self->encoded, error))
        return FALSE;
    if (self->encoded.is_truncated)
        mnb_lines_warn("truncated", "the film breaks off after %d s",
                       (int)(self->encoded.duration_us / (gint64)G_USEC_PER_SEC));
    if (!index_all(self, error))
        return FALSE;
    make_extras(self);
    mnb_program_be_patient(self->program, MNB_SYNC_PATIENCE_S);
    return !mnb_program_is_stopping(self->program, error) &&
           mnb_files_publish(self->half, self->out_dir, error);
}

static json_t *rendition_to_json(const MnbRendition *rendition)
{
    g_autofree char *playlist = g_strdup_printf("%s/index.m3u8", rendition->name);
    const MnbRung *rung = rendition->rung;
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:i}", "name", rendition->name,
        "language", rendition->language, "kind", rendition->is_video ? "video" : "audio",
        "playlist", playlist, "codecs", rendition->codec, "width", rung != NULL ? rung->width : 0,
        "height", rung != NULL ? rung->height : 0, "fps_milli",
        rung != NULL ? (int)(rung->fps_n * 1000ll / rung->fps_d) : 0, "bitrate_bps",
        (json_int_t)rendition->peak_bps, "average_bps", (json_int_t)rendition->average_bps, "bytes",
        (json_int_t)rendition->bytes, "segments", rendition->n_segments);
}

static json_t *result_to_json(const Transcode *self)
{
    json_t *renditions = json_array();
    gint64 duration_us = 0;
    for (int i = 0; i < self->n_renditions; i++) {
        json_array_append_new(renditions, rendition_to_json(&self->renditions[i]));
        duration_us = MAX(duration_us, self->renditions[i].duration_us);
    }
    json_t *posters = json_array();
    for (guint i = 1; i <= self->n_posters; i++)
        json_array_append_new(posters, json_sprintf("poster-%u.jpg", i));
    const MnbRung *top = self->ladder.n_rungs > 0 ? &self->ladder.rungs[0] : NULL;
    return json_pack("{s:s, s:I, s:I, s:i, s:i, s:b, s:b, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, "
                     "s:s, s:s, s:I, "
                     "s:o}",
                     "event", "done", "duration_us", (json_int_t)duration_us, "source_us",
                     (json_int_t)(self->edit.n > 0 ? self->info.duration_us : duration_us), "width",
                     top != NULL ? top->width : 0, "height", top != NULL ? top->height : 0,
                     "has_video", self->info.has_video, "has_audio", self->info.has_audio,
                     "container", self->info.kind->name, "video_codec", self->info.video_codec,
                     "audio_codec", self->info.audio_codec, "master", "master.m3u8", "poster",
                     self->n_posters > 0 ? "poster.jpg" : "", "posters", posters, "thumbnails",
                     self->has_thumbs ? "thumbnails.vtt" : "", "waveform",
                     self->has_waveform ? "waveform.json" : "", "download",
                     self->info.has_video ? "video.mp4" : "", "audio_download",
                     self->info.has_audio ? "audio.m4a" : "", "bytes",
                     (json_int_t)mnb_files_total_bytes(self->out_dir), "renditions", renditions);
}

json_t *mnb_transcoder_run(MnbProgram *program, const json_t *job, GError **error)
{
    Transcode self = {.program = program};
    json_t *keep = NULL;
    if (json_unpack((json_t *)job, "{s:s, s:s, s?o, s?o}", "input", &self.input, "out_dir",
                    &self.out_dir, "keep_us", &keep, "languages", &self.languages) != 0 ||
        !mnb_film_edit_parse(keep, 1, &self.edit)) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_BAD_JOB,
                    "job: input or out_dir is missing, or a field is not as it should be");
        return NULL;
    }
    if (g_file_test(self.out_dir, G_FILE_TEST_EXISTS)) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_BAD_JOB, "job: %s is there already",
                    self.out_dir);
        return NULL;
    }
    self.half = g_strconcat(self.out_dir, ".tmp", NULL);
    json_t *done = NULL;
    if (make(&self, error))
        done = result_to_json(&self);
    else
        mnb_files_remove(self.half, NULL);
    mnb_encode_result_clear(&self.encoded);
    g_free(self.half);
    return done;
}
