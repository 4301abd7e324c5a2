#include "pipelines/manager/job-plan.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipelines/manager/trees.h"
#include "recordings/session-pages.h"
#include "server/base/error.h"
#include "server/base/ids.h"

#define FILM       "film.mkv"
#define MEDIA_NEXT "media.next"
#define PAGES_MAX  900 /* the job is one line of 64 KiB */

const char *mnb_job_program(MnbJobKind kind)
{
    static const char *const names[] = {
        [MNB_JOB_REPAIR] = "manabi-record",
        [MNB_JOB_COMPOSE] = "manabi-compose",
        [MNB_JOB_TRANSCODE] = "manabi-transcode",
        [MNB_JOB_STILLS] = "manabi-stills",
    };
    return kind < G_N_ELEMENTS(names) ? names[kind] : NULL;
}

typedef struct {
    MnbDb *db;
    MnbStore *store;
    const MnbRecording *recording;
} Asked;

static char *dump(json_t *object)
{
    char *raw = json_dumps(object, JSON_COMPACT);
    char *text = g_strdup(raw);
    free(raw);
    return text;
}

static GStrv list_of(const char *first, const char *second)
{
    const char *const both[] = {first, first != NULL ? second : NULL, NULL};
    return g_strdupv((char **)both);
}

/* A path in a spec counts by its last step: it lies in the recording's folder. */
static char *input_name(const json_t *spec, const char *fallback)
{
    const char *text = json_string_value(json_object_get(spec, "input"));
    return text != NULL && text[0] != '\0' ? g_path_get_basename(text) : g_strdup(fallback);
}

static gboolean check_input(MnbJobPlan *plan, MnbStore *store, const char *folder, char **path_out,
                            GError **error)
{
    struct stat info;
    *path_out = mnb_store_recording_path(store, folder, plan->input_name, error);
    if (*path_out == NULL)
        return FALSE;
    if (lstat(*path_out, &info) == 0 && S_ISREG(info.st_mode))
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_NOT_FOUND,
                "the film %s is not in the recording's folder", plan->input_name);
    return FALSE;
}

static gboolean plan_repair(MnbJobPlan *plan, const Asked *asked, const json_t *spec,
                            GError **error)
{
    g_autoptr(GStrvBuilder) arguments = g_strv_builder_new();
    g_strv_builder_add_many(arguments, "--repair", "--dir", plan->dir, NULL);
    size_t i;
    json_t *peer;
    json_array_foreach(json_object_get(spec, "forget"), i, peer)
    {
        if (!json_is_string(peer))
            continue;
        g_strv_builder_add_many(arguments, "--forget", json_string_value(peer), NULL);
    }
    plan->arguments = g_strv_builder_end(arguments);
    plan->writes = list_of(plan->dir, NULL);
    return TRUE;
}

/* What was shown of slides, as far as the pictures are still there: slides that were removed in the
 * session are gone. */
static gboolean add_pages(MnbJobPlan *plan, const Asked *asked, json_t *job, GError **error)
{
    const char *session = asked->recording->session;
    g_autoptr(GPtrArray) turns = mnb_session_pages(asked->db, session, error);
    if (turns == NULL)
        return FALSE;
    const char *state = mnb_store_folder(asked->store, MNB_STORE_ROOT);
    g_autofree char *slides = g_build_filename(state, "slides", session, NULL);
    json_t *pages = json_array();
    for (guint i = 0; i < turns->len; i++) {
        const MnbPageTurn *turn = turns->pdata[i];
        g_autofree char *name = g_strdup_printf("%u-large.jpg", turn->page);
        g_autofree char *image = g_build_filename(slides, turn->deck, name, NULL);
        gboolean is_there =
            mnb_id_is_valid(turn->deck) && g_file_test(image, G_FILE_TEST_IS_REGULAR);
        json_array_append_new(pages,
                              json_pack("[I, s]", (json_int_t)turn->at_us, is_there ? name : ""));
    }
    if (json_array_size(pages) > 0 && g_file_test(slides, G_FILE_TEST_IS_DIR)) {
        json_object_set(job, "pages", pages);
        json_object_set_new(job, "slides", json_string(slides));
        plan->reads = list_of(slides, NULL);
    }
    json_decref(pages);
    return TRUE;
}

static gboolean plan_compose(MnbJobPlan *plan, const Asked *asked, const json_t *spec,
                             GError **error)
{
    const MnbRecording *recording = asked->recording;
    static const char *const passed_on[] = {"parts", "names",   "width",   "height",
                                            "fps",   "keep_us", "language"};
    g_autofree char *out = g_build_filename(plan->dir, FILM, NULL);
    json_t *job = json_pack("{s:s, s:s, s:s, s:s}", "dir", plan->dir, "out", out, "title_en",
                            recording->title_en, "title_ja", recording->title_ja);
    for (guint i = 0; i < G_N_ELEMENTS(passed_on); i++) {
        json_t *value = json_object_get(spec, passed_on[i]);
        if (value != NULL)
            json_object_set(job, passed_on[i], value);
    }
    gboolean ok = recording->session == NULL || add_pages(plan, asked, job, error);
    plan->line = dump(job);
    plan->writes = list_of(plan->dir, NULL);
    json_decref(job);
    return ok;
}

static gboolean plan_transcode(MnbJobPlan *plan, const Asked *asked, const json_t *spec,
                               GError **error)
{
    const MnbRecording *recording = asked->recording;
    g_autofree char *input = NULL;
    plan->input_name = input_name(spec, FILM);
    if (!check_input(plan, asked->store, asked->recording->folder, &input, error))
        return FALSE;
    g_autofree char *out = g_build_filename(plan->dir, MEDIA_NEXT, NULL);
    int left = mnb_tree_remove(out);
    if (left < 0)
        return mnb_error_from_errno(error, left, "%s", out);
    const char *title = recording->title_en[0] != '\0' ? recording->title_en : recording->title_ja;
    json_t *job = json_pack("{s:s, s:s, s:s}", "input", input, "out_dir", out, "title", title);
    json_t *languages = json_array();
    for (guint i = 0; recording->languages != NULL && recording->languages[i] != NULL; i++)
        json_array_append_new(languages, json_string(recording->languages[i]));
    json_object_set_new(job, "languages", languages);
    json_t *keep = json_object_get(spec, "keep_us");
    if (keep != NULL)
        json_object_set(job, "keep_us", keep);
    plan->line = dump(job);
    plan->reads = list_of(input, NULL);
    plan->writes = list_of(plan->dir, NULL);
    json_decref(job);
    return TRUE;
}

static gboolean plan_stills(MnbJobPlan *plan, const Asked *asked, const json_t *spec,
                            GError **error)
{
    g_autofree char *input = NULL;
    plan->input_name = g_strdup("media/video.mp4");
    if (!check_input(plan, asked->store, asked->recording->folder, &input, error))
        return FALSE;
    g_autofree char *media = g_build_filename(plan->dir, "media", NULL);
    g_autofree char *out = g_build_filename(media, "poster.jpg", NULL);
    json_int_t at_us = json_integer_value(json_object_get(spec, "at_us"));
    json_t *job = json_pack("{s:s, s:s, s:I, s:i}", "input", input, "out", out, "at_us",
                            at_us > 0 ? at_us : 0, "width", 1280);
    plan->line = dump(job);
    plan->reads = list_of(input, NULL);
    plan->writes = list_of(media, NULL);
    json_decref(job);
    return TRUE;
}

MnbJobPlan *mnb_job_plan_new(MnbDb *db, MnbStore *store, const MnbRecording *recording,
                             const MnbJob *job, GError **error)
{
    static gboolean (*const plans[])(MnbJobPlan *, const Asked *, const json_t *, GError **) = {
        [MNB_JOB_REPAIR] = plan_repair,
        [MNB_JOB_COMPOSE] = plan_compose,
        [MNB_JOB_TRANSCODE] = plan_transcode,
        [MNB_JOB_STILLS] = plan_stills,
    };
    g_autoptr(MnbJobPlan) plan = g_new0(MnbJobPlan, 1);
    plan->program = mnb_job_program(job->kind);
    plan->dir = mnb_store_recording_path(store, recording->folder, NULL, error);
    if (plan->dir == NULL || plan->program == NULL)
        return NULL;
    json_t *spec = json_loads(job->spec, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(spec)) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "the job's description is no object");
        json_decref(spec);
        return NULL;
    }
    gboolean is_good = plans[job->kind](plan, &(Asked){db, store, recording}, spec, error);
    json_decref(spec);
    return is_good ? g_steal_pointer(&plan) : NULL;
}

void mnb_job_plan_free(MnbJobPlan *plan)
{
    if (plan == NULL)
        return;
    g_free(plan->line);
    g_strfreev(plan->arguments);
    g_strfreev(plan->reads);
    g_strfreev(plan->writes);
    g_free(plan->dir);
    g_free(plan->input_name);
    g_free(plan);
}
