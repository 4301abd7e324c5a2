/* The work of the pipeline programs, as staff see it. */
#include "recordings/audit.h"
#include "recordings/job.h"
#include "server/http/api.h"
#include "server/http/http-internal.h"
#include "server/http/objects.h"

void mnb_api_jobs(MnbHttpRequest *request)
{
    guint page, per_page, total = 0;
    if (!mnb_http_request_page(request, &page, &per_page))
        return;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) jobs =
        mnb_job_list(mnb_http_request_db(request), mnb_http_request_query(request, "recording"),
                     (page - 1) * per_page, per_page, &total, &error);
    if (jobs == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *items = json_array();
    for (guint i = 0; i < jobs->len; i++)
        json_array_append_new(items, mnb_json_job(g_ptr_array_index(jobs, i)));
    mnb_http_request_answer_json(request, 200, mnb_json_list(items, total, page, per_page));
}

typedef struct {
    char *job;
    char *actor;
    gint64 now_us;
} Retry;

static void free_retry(gpointer data)
{
    Retry *retry = data;
    g_free(retry->job);
    g_free(retry->actor);
    g_free(retry);
}

static gboolean write_retry(MnbDb *db, gpointer data, GError **error)
{
    const Retry *retry = data;
    g_autofree char *object = g_strconcat("job:", retry->job, NULL);
    return mnb_job_retry(db, retry->job, retry->now_us, error) &&
           mnb_audit_append(db, retry->now_us, retry->actor, "job-retry", object, NULL, error);
}

static void on_retried(MnbHttpRequest *request, gpointer data)
{
    const Retry *retry = data;
    const MnbHttp *http = mnb_http_request_http(request);
    if (http->on_jobs_changed != NULL)
        http->on_jobs_changed(http->data);
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbJob) job = mnb_job_find(mnb_http_request_db(request), retry->job, &error);
    if (job == NULL)
        mnb_http_request_answer_error(request, error);
    else
        mnb_http_request_answer_json(request, 202, mnb_json_job(job));
}

static Retry *retry_new(MnbHttpRequest *request)
{
    Retry *retry = g_new0(Retry, 1);
    retry->job = g_strdup(mnb_http_request_param(request, 0));
    retry->actor = g_strdup(mnb_http_request_asker(request)->actor);
    retry->now_us = mnb_http_request_wall_us(request);
    return retry;
}

void mnb_api_job_retry(MnbHttpRequest *request)
{
    mnb_http_request_write(request, write_retry, retry_new(request), free_retry, on_retried);
}

static gboolean write_cancel(MnbDb *db, gpointer data, GError **error)
{
    const Retry *cancel = data;
    g_autofree char *object = g_strconcat("job:", cancel->job, NULL);
    return mnb_job_cancel(db, cancel->job, cancel->now_us, error) &&
           mnb_audit_append(db, cancel->now_us, cancel->actor, "job-cancel", object, NULL, error);
}

/* A running program is stopped when its next word is not wanted any more. */
void mnb_api_job_cancel(MnbHttpRequest *request)
{
    mnb_http_request_write(request, write_cancel, retry_new(request), free_retry, on_retried);
}
