/* report.c - what /proc says of the server, percentiles, and the line of JSON. */
#include "tests/bench/load/load.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SUB_BUCKETS 32 /* for each power of two: 3 % wide */

static size_t bucket_of(uint64_t us)
{
    if (us < SUB_BUCKETS)
        return (size_t)us;
    unsigned octave = 63 - (unsigned)__builtin_clzll(us); /* at least 5 */
    size_t bucket = (octave - 4) * SUB_BUCKETS + (size_t)(us >> (octave - 5) & (SUB_BUCKETS - 1));
    return bucket < LOAD_BUCKETS ? bucket : LOAD_BUCKETS - 1;
}

static uint64_t middle_of(size_t bucket)
{
    if (bucket < SUB_BUCKETS)
        return bucket;
    unsigned octave = (unsigned)(bucket / SUB_BUCKETS) + 4;
    uint64_t width = 1ULL << (octave - 5);
    return (SUB_BUCKETS + bucket % SUB_BUCKETS) * width + width / 2;
}

void load_histogram_add(LoadHistogram *histogram, uint64_t us)
{
    histogram->n++;
    histogram->buckets[bucket_of(us)]++;
    if (us > histogram->max_us)
        histogram->max_us = us;
}

uint64_t load_histogram_at(const LoadHistogram *histogram, double quantile)
{
    uint64_t wanted = (uint64_t)ceil(quantile * (double)histogram->n), n = 0;
    for (size_t i = 0; i < LOAD_BUCKETS; i++) {
        n += histogram->buckets[i];
        if (n >= wanted && n > 0)
            return middle_of(i) < histogram->max_us ? middle_of(i) : histogram->max_us;
    }
    return histogram->max_us;
}

/* ---- /proc ---- */

/* Seconds of the process, all its threads, those that ended too. In ns: /proc has only ticks. */
static double cpu_of(int pid)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return 0;
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Seconds that its threads were ready to run and another had the processor. */
static double waited_of(int pid)
{
    char path[64];
    unsigned long long ran_ns, waited_ns = 0;
    snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu %llu", &ran_ns, &waited_ns) != 2)
        waited_ns = 0;
    fclose(file);
    return (double)waited_ns / 1e9;
}

/* The number behind @key in a file of /proc/PID. 0: the kernel does not tell. */
static uint64_t kib_of(int pid, const char *name, const char *key)
{
    char path[64], line[256];
    uint64_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    while (kib == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoull(line + strlen(key), NULL, 10);
    fclose(file);
    return kib;
}

/* Proportional set size where the kernel tells it, else the resident set size. */
static uint64_t memory_of(int pid)
{
    uint64_t kib = kib_of(pid, "smaps_rollup", "Pss:");
    return kib > 0 ? kib : kib_of(pid, "status", "VmRSS:");
}

void load_sample(const Load *load, LoadSample *out)
{
    struct rusage own;
    *out = (LoadSample){.at_us = load_now_us(), .drops = load_net_drops(load)};
    for (unsigned i = 0; i < load->options.n_pids; i++) {
        out->cpu_each_s[i] = cpu_of(load->options.pids[i]);
        out->cpu_s += out->cpu_each_s[i];
        out->waited_s += waited_of(load->options.pids[i]);
        out->rss_kib += memory_of(load->options.pids[i]);
    }
    out->own_waited_s = waited_of(getpid());
    getrusage(RUSAGE_SELF, &own);
    out->own_cpu_s = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
                     (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
}

/* ---- the line ---- */

static json_t *number(double value)
{
    return json_real(isfinite(value) ? round(value * 1000) / 1000 : 0);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/* Milliseconds from one moment of the joining to another, over the subscribers that had both; with
 * --late over those. */
static json_t *join_times(const Load *load, bool is_to_key)
{
    double *times = calloc(load->n_clients + 1, sizeof *times);
    size_t n = 0;
    if (times == NULL)
        abort();
    for (unsigned i = load->options.publishers; i < load->n_clients; i++) {
        const LoadClient *client = &load->clients[i];
        if (load->options.late > 0 && !client->is_late)
            continue;
        int64_t end_us = is_to_key ? client->key_us : client->media_us;
        if (end_us != 0)
            times[n++] = (double)(end_us - client->asked_us) / 1000;
    }
    qsort(times, n, sizeof *times, compare);
    json_t *out = json_object();
    static const struct {
        const char *name;
        double quantile;
    } wanted[] = {{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}};
    json_object_set_new(out, "n", json_integer((json_int_t)n));
    for (size_t i = 0; i < 4 && n > 0; i++) {
        size_t at = (size_t)ceil(wanted[i].quantile * (double)n);
        json_object_set_new(out, wanted[i].name, number(times[at > 0 ? at - 1 : 0]));
    }
    free(times);
    return out;
}

static json_t *latency(const LoadHistogram *histogram)
{
    json_t *out = json_object();
    json_object_set_new(out, "p50", number((double)load_histogram_at(histogram, 0.5) / 1000));
    json_object_set_new(out, "p90", number((double)load_histogram_at(histogram, 0.9) / 1000));
    json_object_set_new(out, "p99", number((double)load_histogram_at(histogram, 0.99) / 1000));
    json_object_set_new(out, "max", number((double)histogram->max_us / 1000));
    return out;
}

typedef struct {
    unsigned up, with_media, failed, plis;
    uint64_t published, expected, span, unique, duplicates;
} Totals;

static Totals add_up(const Load *load)
{
    Totals out = {0};
    const LoadOptions *options = &load->options;
    uint64_t published[100] = {0}; /* as many as there can be */
    for (unsigned i = 0; i < load->n_clients; i++) {
        const LoadClient *client = &load->clients[i];
        out.failed += client->failure != NULL;
        if (client->is_publisher) {
            const LoadPublisher *publisher = client->publisher;
            published[i] = publisher->audio.number_end - publisher->audio.number_then +
                           publisher->video.number_end - publisher->video.number_then;
            out.published += published[i];
            out.plis += publisher->plis - publisher->plis_then;
            continue;
        }
        out.up += client->shaken_us != 0;
        out.with_media += client->media_us != 0;
        if (client->is_late)
            continue;
        for (unsigned p = 0; p < options->publishers; p++)
            out.expected += load_hears(client, p) ? published[p] : 0;
        for (unsigned s = 0; s < client->n_streams; s++) {
            const LoadStream *stream = &client->streams[s];
            if (stream->kind != LOAD_AUDIO && stream->kind != LOAD_VIDEO)
                continue;
            out.span += (uint64_t)(stream->seq.highest - stream->highest_then);
            out.unique += stream->unique - stream->unique_then;
            out.duplicates += stream->duplicates;
        }
    }
    return out;
}

#define SET_INTEGER(name, value) json_object_set_new(out, name, json_integer((json_int_t)(value)))
#define SET_NUMBER(name, value)  json_object_set_new(out, name, number(value))

static void add_server(const Load *load, json_t *out, double seconds)
{
    double cpu_s = load->end.cpu_s - load->begin.cpu_s;
    double packets = (double)load->counters.in_window;
    SET_NUMBER("server_cpu_s", cpu_s);
    SET_NUMBER("server_core_pct", 100 * cpu_s / seconds);
    json_t *each = json_array();
    for (unsigned i = 0; i < load->options.n_pids; i++)
        json_array_append_new(
            each, number(100 * (load->end.cpu_each_s[i] - load->begin.cpu_each_s[i]) / seconds));
    json_object_set_new(out, "server_core_pct_each", each);
    SET_NUMBER("server_us_per_packet", cpu_s * 1e6 / packets);
    SET_NUMBER("packets_per_cpu_s", packets / cpu_s);
    SET_INTEGER("memory_kib", load->end.rss_kib);
    SET_NUMBER("memory_kib_per_subscriber",
               ((double)load->end.rss_kib - (double)load->published.rss_kib) /
                   load->options.subscribers);
}

/* Where the packets are that did not arrive, and who had to wait. Of "on_the_way" the server had
 * given each a number; "not_sent" ones it held back, or they came too late for the window. */
static json_t *losses(const Load *load, const Totals *totals)
{
    json_t *out = json_object();
    uint64_t on_the_way = totals->span > totals->unique ? totals->span - totals->unique : 0;
    uint64_t marked = load->counters.marked + on_the_way;
    if (load->options.voices == 0)
        SET_INTEGER("not_sent", totals->expected > marked ? totals->expected - marked : 0);
    SET_INTEGER("on_the_way", on_the_way);
    SET_INTEGER("load_sockets_full", load->end.drops - load->begin.drops);
    if (load->has_stats) {
        const MnbWorkerStats *then = &load->stats_then, *now = &load->stats;
        SET_INTEGER("kernel_refused", now->dropped_send - then->dropped_send);
        SET_INTEGER("paused_by_line", now->switches - then->switches);
        SET_INTEGER("held_back_now", now->slots_held_back);
        SET_NUMBER("server_stalled_ms", (double)(now->stalled_us - then->stalled_us) / 1000);
    }
    SET_NUMBER("server_waited_ms", 1000 * (load->end.waited_s - load->begin.waited_s));
    SET_NUMBER("load_waited_ms", 1000 * (load->end.own_waited_s - load->begin.own_waited_s));
    SET_NUMBER("load_longest_round_ms", (double)load->longest_us / 1000);
    return out;
}

bool load_report(const Load *load)
{
    const LoadCounters *counters = &load->counters;
    const LoadOptions *options = &load->options;
    const LoadClient *any = &load->clients[load->n_clients - 1];
    Totals totals = add_up(load);
    double seconds = (double)(load->end.at_us - load->begin.at_us) / 1e6;
    json_t *out = json_object();
    json_object_set_new(out, "scenario", json_string(options->scenario));
    json_object_set_new(out, "server",
                        json_string(options->janus != NULL    ? "janus"
                                    : options->worker != NULL ? "manabi-media"
                                                              : "manabi"));
    SET_INTEGER("publishers", options->publishers);
    SET_INTEGER("subscribers", options->subscribers);
    SET_INTEGER("connected", totals.up);
    SET_INTEGER("with_media", totals.with_media);
    SET_INTEGER("failed", totals.failed);
    json_object_set_new(out, "srtp",
                        json_string(any->receives == NULL ? "none"
                                    : mnb_srtp_profile(any->receives) == MNB_SRTP_AES128_CM_SHA1_80
                                        ? "cm-sha1-80"
                                        : "aes-gcm"));
    json_object_set_new(out, "gro", json_boolean(options->has_gro));
    json_object_set_new(out, "spread", json_boolean(options->is_spread));
    SET_NUMBER("seconds", seconds);
    SET_NUMBER("published_per_s", (double)totals.published / seconds);
    SET_INTEGER("packets", counters->in_window);
    SET_NUMBER("packets_per_s", (double)counters->in_window / seconds);
    SET_INTEGER("expected", totals.expected);
    double loss_pct = totals.span > totals.unique
                          ? 100.0 * (double)(totals.span - totals.unique) / (double)totals.span
                          : 0;
    /* Who of many voices is heard, the server decides: only gaps tell of losses then. */
    double delivered_pct = options->voices > 0
                               ? 100.0 - loss_pct
                               : 100.0 * (double)counters->marked / (double)totals.expected;
    SET_NUMBER("delivered_pct", delivered_pct);
    SET_NUMBER("loss_pct", loss_pct);
    SET_INTEGER("duplicates", totals.duplicates);
    SET_INTEGER("bad_tags", counters->bad_tag);
    SET_INTEGER("bad_marks", counters->bad_mark);
    SET_INTEGER("nacked", counters->nacked);
    SET_INTEGER("recovered", counters->recovered);
    json_object_set_new(out, "latency_ms", latency(&load->latency));
    json_object_set_new(out, "join_to_media_ms", join_times(load, false));
    json_object_set_new(out, "join_to_key_frame_ms", join_times(load, true));
    if (options->n_pids > 0)
        add_server(load, out, seconds);
    SET_NUMBER("load_core_pct", 100 * (load->end.own_cpu_s - load->begin.own_cpu_s) / seconds);
    json_object_set_new(out, "lost", losses(load, &totals));
    SET_INTEGER("key_frames_asked", load->clients[0].publisher->plis);
    SET_INTEGER("key_frames_asked_in_window", totals.plis);
    SET_INTEGER("key_frames_sent", load->clients[0].publisher->key_frames);
    json_dumpf(out, stdout, JSON_COMPACT | JSON_REAL_PRECISION(7));
    printf("\n");
    json_decref(out);
    return delivered_pct >= options->expected_pct && counters->bad_tag == 0 &&
           counters->bad_mark == 0;
}
