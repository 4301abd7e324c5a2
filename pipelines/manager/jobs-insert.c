/* The part of jobs.h that orders work: rows of the job table, on the writer's thread. */
#include "pipelines/manager/jobs.h"

#include "recordings/film-edit.h"
#include "recordings/job.h"
#include "recordings/recording.h"
#include "recordings/session-consent.h"
#include "server/base/error.h"

static char *spec_text(json_t *spec)
{
    char *raw = json_dumps(spec, JSON_COMPACT);
    char *text = g_strdup(raw);
    free(raw);
    json_decref(spec);
    return text;
}

/* Also of a session whose server died before it could end: the log says who is to be forgotten. */
static gboolean read_consent(MnbDb *db, const char *id, json_t **names, json_t **forget,
                             GError **error)
{
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, id, error);
    if (recording == NULL)
        return FALSE;
    if (recording->session != NULL)
        return mnb_session_consent(db, recording->session, names, forget, error);
    *names = json_object();
    *forget = json_array();
    return TRUE;
}

gboolean mnb_jobs_insert_chain(MnbDb *db, const char *recording, gint64 now_us, GError **error)
{
    json_t *names = NULL, *forget = NULL;
    g_autoptr(GPtrArray) known = mnb_job_list(db, recording, 0, 1, NULL, error);
    if (known == NULL)
        return FALSE;
    if (known->len > 0)
        return TRUE;
    if (!read_consent(db, recording, &names, &forget, error))
        return FALSE;
    g_autofree char *repair_spec = spec_text(json_pack("{s:o}", "forget", forget));
    g_autofree char *compose_spec = spec_text(json_pack("{s:o}", "names", names));
    g_autofree char *repair =
        mnb_job_insert(db, MNB_JOB_REPAIR, recording, repair_spec, NULL, now_us, error);
    if (repair == NULL)
        return FALSE;
    g_autofree char *compose =
        mnb_job_insert(db, MNB_JOB_COMPOSE, recording, compose_spec, repair, now_us, error);
    if (compose == NULL)
        return FALSE;
    g_autofree char *transcode =
        mnb_job_insert(db, MNB_JOB_TRANSCODE, recording, "{}", compose, now_us, error);
    return transcode != NULL &&
           mnb_recording_set_state(db, recording, MNB_RECORDING_PROCESSING, now_us, error);
}

static gboolean cancel_open(MnbDb *db, const char *recording, gint64 now_us, GError **error)
{
    g_autoptr(GPtrArray) jobs = mnb_job_list(db, recording, 0, G_MAXINT, NULL, error);
    if (jobs == NULL)
        return FALSE;
    for (guint i = 0; i < jobs->len; i++) {
        const MnbJob *job = jobs->pdata[i];
        gboolean is_open = job->state == MNB_JOB_WAITING || job->state == MNB_JOB_RUNNING;
        if (is_open && !mnb_job_cancel(db, job->id, now_us, error))
            return FALSE;
    }
    return TRUE;
}

/* What the last film was made of: "source" unless it says otherwise; NULL: of tracks. */
static char *find_input(MnbDb *db, const MnbRecording *recording, GError **error)
{
    g_autoptr(GPtrArray) jobs = mnb_job_list(db, recording->id, 0, G_MAXINT, NULL, error);
    char *input = NULL;
    for (guint i = 0; jobs != NULL && i < jobs->len && input == NULL; i++) {
        const MnbJob *job = jobs->pdata[i];
        json_t *spec = json_loads(job->spec, 0, NULL);
        if (job->kind == MNB_JOB_TRANSCODE)
            input = g_strdup(json_string_value(json_object_get(spec, "input")));
        json_decref(spec);
    }
    return input != NULL ? input : g_strdup("source");
}

static gboolean render_tracks(MnbDb *db, const MnbRecording *recording, const MnbFilmEdit *edit,
                              gint64 now_us, GError **error)
{
    json_t *names = NULL, *forget = NULL;
    if (!read_consent(db, recording->id, &names, &forget, error))
        return FALSE;
    json_t *compose =
        json_pack("{s:o, s:o}", "keep_us", mnb_film_edit_to_json(edit, 1), "names", names);
    char **languages = recording->languages;
    if (languages != NULL && languages[0] != NULL && languages[1] == NULL)
        json_object_set_new(compose, "language", json_string(languages[0]));
    g_autofree char *compose_spec = spec_text(compose);
    g_autofree char *transcode_spec =
        spec_text(json_pack("{s:o}", "edit", mnb_film_edit_to_json(edit, 1000)));
    g_autofree char *repair_spec = spec_text(json_pack("{s:o}", "forget", forget));
    g_autofree char *repair =
        mnb_job_insert(db, MNB_JOB_REPAIR, recording->id, repair_spec, NULL, now_us, error);
    if (repair == NULL)
        return FALSE;
    g_autofree char *first =
        mnb_job_insert(db, MNB_JOB_COMPOSE, recording->id, compose_spec, repair, now_us, error);
    if (first == NULL)
        return FALSE;
    g_autofree char *second =
        mnb_job_insert(db, MNB_JOB_TRANSCODE, recording->id, transcode_spec, first, now_us, error);
    return second != NULL;
}

static gboolean render_source(MnbDb *db, const MnbRecording *recording, const MnbFilmEdit *edit,
                              gint64 now_us, GError **error)
{
    g_autofree char *input = find_input(db, recording, error);
    g_autofree char *spec = spec_text(json_pack("{s:s, s:o, s:o}", "input", input, "keep_us",
                                                mnb_film_edit_to_json(edit, 1), "edit",
                                                mnb_film_edit_to_json(edit, 1000)));
    g_autofree char *job =
        mnb_job_insert(db, MNB_JOB_TRANSCODE, recording->id, spec, NULL, now_us, error);
    return job != NULL;
}

gboolean mnb_jobs_insert_render(MnbDb *db, const char *id, gint64 now_us, GError **error)
{
    MnbFilmEdit edit;
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, id, error);
    if (recording == NULL || !cancel_open(db, id, now_us, error))
        return FALSE;
    mnb_film_edit_read(recording->edit, 1000, &edit);
    g_autoptr(GPtrArray) parts = mnb_part_list(db, id, error);
    if (parts == NULL)
        return FALSE;
    gboolean is_session = recording->origin == MNB_ORIGIN_SESSION;
    if (is_session && parts->len == 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_CONFLICT,
                    "recording %s has no tracks to make a film of", id);
        return FALSE;
    }
    if (is_session ? !render_tracks(db, recording, &edit, now_us, error)
                   : !render_source(db, recording, &edit, now_us, error))
        return FALSE;
    if (recording->state == MNB_RECORDING_PUBLISHED || recording->state == MNB_RECORDING_WITHDRAWN)
        return TRUE;
    return mnb_recording_set_state(db, id, MNB_RECORDING_PROCESSING, now_us, error);
}

gboolean mnb_jobs_cancel_recording(MnbDb *db, const char *id, gint64 now_us, GError **error)
{
    g_autoptr(MnbRecording) recording = mnb_recording_find(db, id, error);
    if (recording == NULL || !cancel_open(db, id, now_us, error))
        return FALSE;
    g_autoptr(GPtrArray) renditions = mnb_rendition_list(db, id, error);
    if (renditions == NULL)
        return FALSE;
    if (recording->state != MNB_RECORDING_PROCESSING || renditions->len == 0)
        return TRUE;
    return mnb_recording_set_state(db, id, MNB_RECORDING_REVIEW, now_us, error);
}
