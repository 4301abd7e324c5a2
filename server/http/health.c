/* What watches the server: /healthz, /metrics, the description of the API. */
#include "server/http/api.h"
#include "server/http/http-internal.h"
#include "server/http/http-resources.h"
#include "server/http/metrics.h"
#include <stdio.h>
#include <unistd.h>

void mnb_api_healthz(MnbHttpRequest *request)
{
    static const char *const states[] = {
        [MNB_HTTP_STARTING] = "starting",
        [MNB_HTTP_SERVING] = "ok",
        [MNB_HTTP_DRAINING] = "draining",
    };
    MnbHttpState state = mnb_http_request_http(request)->state;
    if (state != MNB_HTTP_SERVING)
        mnb_http_request_set_header(request, "Retry-After", "2");
    mnb_http_request_answer_json(request, state == MNB_HTTP_SERVING ? 200 : 503,
                                 json_pack("{s:s, s:s}", "status", states[state], "version",
                                           mnb_http_request_services(request)->version));
}

static void write_process(GString *text)
{
    guint n_open = 0;
    GDir *dir = g_dir_open("/proc/self/fd", 0, NULL);
    while (dir != NULL && g_dir_read_name(dir) != NULL)
        n_open++;
    g_clear_pointer(&dir, g_dir_close);
    mnb_metrics_head(text, "process_open_fds", "gauge", "Open file descriptors.");
    mnb_metrics_value(text, "process_open_fds", NULL, n_open);

    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm != NULL) {
        if (fscanf(statm, "%*s %ld", &pages) != 1)
            pages = 0;
        fclose(statm);
    }
    mnb_metrics_head(text, "process_resident_memory_bytes", "gauge", "Resident memory.");
    mnb_metrics_value(text, "process_resident_memory_bytes", NULL,
                      (guint64)pages * (guint64)sysconf(_SC_PAGESIZE));
}

static void write_http(GString *text, const MnbHttp *http)
{
    mnb_metrics_head(text, "manabi_http_requests_total", "counter", "Answers by status.");
    for (guint code = 0; code < G_N_ELEMENTS(http->n_answers); code++) {
        char label[32];
        g_snprintf(label, sizeof label, "code=\"%u\"", code);
        if (http->n_answers[code] > 0)
            mnb_metrics_value(text, "manabi_http_requests_total", label, http->n_answers[code]);
    }
    mnb_metrics_head(text, "manabi_http_connections", "gauge", "Connections open now.");
    mnb_metrics_value(text, "manabi_http_connections", NULL, http->connections.length);
    mnb_metrics_head(text, "manabi_http_connections_total", "counter", "Connections accepted.");
    mnb_metrics_value(text, "manabi_http_connections_total", NULL, http->n_connections);
    mnb_metrics_head(text, "manabi_http_connections_cut_total", "counter",
                     "Connections that were cut because they took too long.");
    mnb_metrics_value(text, "manabi_http_connections_cut_total", NULL, http->n_cut);
}

static void write_catalog(GString *text, MnbCatalog *catalog)
{
    MnbCatalogStats stats;
    mnb_catalog_get_stats(catalog, &stats);
    mnb_metrics_head(text, "manabi_catalog_commits_total", "counter", "Transactions on disk.");
    mnb_metrics_value(text, "manabi_catalog_commits_total", NULL, stats.commits);
    mnb_metrics_head(text, "manabi_catalog_writes_total", "counter", "Changes by result.");
    mnb_metrics_value(text, "manabi_catalog_writes_total", "result=\"done\"", stats.writes);
    mnb_metrics_value(text, "manabi_catalog_writes_total", "result=\"failed\"", stats.failures);
    mnb_metrics_head(text, "manabi_catalog_writes_waiting", "gauge", "Changes queued now.");
    mnb_metrics_value(text, "manabi_catalog_writes_waiting", NULL, stats.waiting);
    mnb_metrics_head(text, "manabi_catalog_commit_max_us", "gauge",
                     "Slowest commit since the last scrape, microseconds.");
    mnb_metrics_value(text, "manabi_catalog_commit_max_us", NULL,
                      (guint64)MAX(stats.commit_us_max, 0));
}

static void write_storage(GString *text, MnbCatalog *catalog)
{
    gint64 n_free = mnb_store_free_bytes(mnb_catalog_store(catalog), NULL);
    if (n_free < 0)
        return;
    mnb_metrics_head(text, "manabi_storage_free_bytes", "gauge",
                     "What may still be written to the state directory.");
    mnb_metrics_value(text, "manabi_storage_free_bytes", NULL, (guint64)n_free);
}

void mnb_api_metrics(MnbHttpRequest *request)
{
    MnbHttp *http = mnb_http_request_http(request);
    GString *text = g_string_sized_new(8192);
    write_process(text);
    write_http(text, http);
    write_catalog(text, http->services.catalog);
    write_storage(text, http->services.catalog);
    for (guint i = 0; i < http->metrics->len; i++) {
        const MnbMetricsPart *part = &g_array_index(http->metrics, MnbMetricsPart, i);
        part->write(text, part->data);
    }
    mnb_http_request_answer_text(request, 200, "text/plain; version=0.0.4; charset=utf-8",
                                 text->str);
    g_string_free(text, TRUE);
}

void mnb_api_openapi(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_resource_lookup_data(
        mnb_http_get_resource(), "/manabi/http/openapi.json", G_RESOURCE_LOOKUP_FLAGS_NONE, &error);
    if (bytes == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    g_autofree char *text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    mnb_http_request_answer_text(request, 200, "application/json", text);
}
