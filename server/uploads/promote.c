#include "server/uploads/promote.h"

#include <unistd.h>

#include "recordings/audit.h"
#include "recordings/job.h"
#include "recordings/publishing.h"
#include "server/base/error.h"
#include "server/uploads/draft.h"

typedef struct {
    MnbCatalog *catalog;
    MnbStore *store;
    char *id;
    void (*done)(const GError *error, gpointer data);
    gpointer data;
} Work;

static void work_free(gpointer data)
{
    Work *work = data;
    g_free(work->id);
    g_free(work);
}

static gboolean move_film(const Work *work, GError **error)
{
    g_autofree char *from =
        g_build_filename(mnb_store_folder(work->store, MNB_STORE_UPLOADS), work->id, NULL);
    g_autofree char *to = mnb_store_recording_path(work->store, work->id, "source", error);
    if (to == NULL || !mnb_store_create_recording(work->store, work->id, error))
        return FALSE;
    if (access(from, F_OK) != 0 && access(to, F_OK) == 0) /* before a kill */
        return TRUE;
    return mnb_store_publish(from, to, error);
}

static void run_move(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    GError *error = NULL;
    if (move_film(data, &error))
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

/* What was typed is read here, in the transaction: the newest of it counts. */
static gboolean write_recording(MnbDb *db, gpointer data, GError **error)
{
    const Work *work = data;
    gint64 now_us = g_get_real_time();
    MnbRecording *made = NULL;
    MnbVisit *described = NULL;
    g_autoptr(MnbUpload) upload = mnb_upload_find(db, work->id, error);
    if (upload == NULL)
        return FALSE;
    if (upload->state == MNB_UPLOAD_USED)
        return TRUE;
    json_t *draft = json_loads(upload->draft, JSON_REJECT_DUPLICATES, NULL);
    mnb_draft_read(draft, work->id, now_us, &made, &described);
    json_decref(draft);
    g_autoptr(MnbRecording) recording = made;
    g_autoptr(MnbVisit) visit = described;
    g_autofree char *actor = g_strconcat("staff:", upload->staff, NULL);
    g_autofree char *object = g_strconcat("recording:", work->id, NULL);
    if (!mnb_recording_insert(db, recording, now_us, error) ||
        !mnb_visit_put(db, work->id, visit, error))
        return FALSE;
    g_autofree char *job = mnb_job_insert(db, MNB_JOB_TRANSCODE, work->id, "{\"input\":\"source\"}",
                                          NULL, now_us, error);
    return job != NULL &&
           mnb_recording_set_state(db, work->id, MNB_RECORDING_PROCESSING, now_us, error) &&
           mnb_upload_set_used(db, work->id, now_us, error) &&
           mnb_publishing_submit(db, work->id, actor, now_us, error) &&
           mnb_audit_append(db, now_us, actor, "recording-upload", object, NULL, error);
}

static void on_written(const GError *error, gpointer data, gpointer user_data)
{
    const Work *work = data;
    work->done(error, work->data);
}

static void on_moved(GObject *source, GAsyncResult *result, gpointer data)
{
    Work *work = data;
    g_autoptr(GError) error = NULL;
    if (g_task_propagate_boolean(G_TASK(result), &error)) {
        mnb_catalog_write(work->catalog, write_recording, work, work_free, on_written, NULL);
        return;
    }
    work->done(error, work->data);
    work_free(work);
}

void mnb_promote(MnbCatalog *catalog, const MnbUpload *upload,
                 void (*done)(const GError *error, gpointer data), gpointer data)
{
    Work *work = g_new0(Work, 1);
    work->catalog = catalog;
    work->store = mnb_catalog_store(catalog);
    work->id = g_strdup(upload->id);
    work->done = done;
    work->data = data;
    g_autoptr(GTask) task = g_task_new(NULL, NULL, on_moved, work);
    g_task_set_task_data(task, work, NULL);
    g_task_run_in_thread(task, run_move);
}
