/* main.c - options and the phases of a run; load.h tells the whole. */
#include "tests/bench/load/load.h"
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLEEP_NS 500000
#define TICK_US  5000 /* timers of clients that are up need no finer ones */
#define DRAIN_US 1000000
#define LEAVE_US 5000000

typedef enum {
    PHASE_OPEN,
    PHASE_PUBLISHERS,
    PHASE_SUBSCRIBERS,
    PHASE_WARM_UP,
    PHASE_WINDOW,
    PHASE_DRAIN,
    PHASE_LEAVE,
    PHASE_END
} Phase;

typedef struct {
    Phase phase;
    int64_t since_us;
    unsigned joined; /* clients of this phase that were started */
    int64_t next_join_us;
    int64_t next_tick_us;
    int status; /* exit status */
} Run;

static const char usage[] =
    "usage: manabi-load --whip URL --whep URL [--publish-token T] [--receive-token T] [OPTIONS]\n"
    "       manabi-load --janus URL [OPTIONS]\n"
    "       manabi-load --worker build/server/media/manabi-media [OPTIONS]\n"
    "  --publishers N (1)  --subscribers N (10)  --joins-per-s N (50)  --joins-at-once N (8)\n"
    "  --rooms N (1)       publishers and subscribers go to them in turns (not with --whip)\n"
    "  --meeting           subscriber N is publisher N, and receives all others of her room\n"
    "  --voices N          audio only: three publishers speak at a time, each second another one;\n"
    "                      subscribers have N slots for the loudest (Janus sends them all)\n"
    "  --late N            the last N subscribers join in one second while it is measured;\n"
    "                      delivery and latency are then those of the others\n"
    "  --bitrate BPS (1900000, 0: no video)  --fps N (30)  --packet BYTES (1180)  --audio BYTES "
    "(80, 0: none)\n"
    "  --spread            packets evenly over the frame's time, not back to back\n"
    "  --profile gcm|cm    SRTP (gcm)\n"
    "  --gro               take coalesced datagrams: loopback then behaves like a card that cuts "
    "GSO\n"
    "  --duration S (10)  --warm-up S (2)  --join-timeout S (15)  --limit S (180)\n"
    "  --pid PID           of the server; may be given more than once\n"
    "  --worker-cpu N      processor of --worker;  --no-sandbox   start it without\n"
    "  --workers N (1)     of --worker: publishers at the first, subscribers in turns, by tap and "
    "feed\n"
    "  --expect PCT (99)   least part of the packets that must arrive\n"
    "  --sockets N (2)     UDP sockets that the clients share\n"
    "  --scenario NAME     for the report\n"
    "Prints one line of JSON. Exit status 1 when a client could not join or got nothing, too "
    "little was\n"
    "delivered, or a packet was broken.\n";

typedef enum { TEXT, NUMBER, INTEGER, FRACTION, FLAG, PID } OptionKind;

static const struct {
    const char *name;
    OptionKind kind;
    size_t offset; /* in LoadOptions */
} known_options[] = {
    {"whip", TEXT, offsetof(LoadOptions, whip)},
    {"whep", TEXT, offsetof(LoadOptions, whep)},
    {"janus", TEXT, offsetof(LoadOptions, janus)},
    {"worker", TEXT, offsetof(LoadOptions, worker)},
    {"worker-cpu", INTEGER, offsetof(LoadOptions, worker_cpu)},
    {"workers", NUMBER, offsetof(LoadOptions, workers)},
    {"publish-token", TEXT, offsetof(LoadOptions, publish_token)},
    {"receive-token", TEXT, offsetof(LoadOptions, receive_token)},
    {"publishers", NUMBER, offsetof(LoadOptions, publishers)},
    {"subscribers", NUMBER, offsetof(LoadOptions, subscribers)},
    {"rooms", NUMBER, offsetof(LoadOptions, rooms)},
    {"meeting", FLAG, offsetof(LoadOptions, is_meeting)},
    {"voices", NUMBER, offsetof(LoadOptions, voices)},
    {"late", NUMBER, offsetof(LoadOptions, late)},
    {"joins-per-s", NUMBER, offsetof(LoadOptions, joins_per_s)},
    {"joins-at-once", NUMBER, offsetof(LoadOptions, joins_at_once)},
    {"bitrate", NUMBER, offsetof(LoadOptions, bitrate_bps)},
    {"fps", NUMBER, offsetof(LoadOptions, fps)},
    {"packet", NUMBER, offsetof(LoadOptions, packet_bytes)},
    {"audio", NUMBER, offsetof(LoadOptions, audio_bytes)},
    {"spread", FLAG, offsetof(LoadOptions, is_spread)},
    {"profile", TEXT, offsetof(LoadOptions, profile)},
    {"gro", FLAG, offsetof(LoadOptions, has_gro)},
    {"duration", FRACTION, offsetof(LoadOptions, duration_s)},
    {"warm-up", FRACTION, offsetof(LoadOptions, warm_up_s)},
    {"join-timeout", FRACTION, offsetof(LoadOptions, join_timeout_s)},
    {"limit", FRACTION, offsetof(LoadOptions, limit_s)},
    {"pid", PID, 0},
    {"scenario", TEXT, offsetof(LoadOptions, scenario)},
    {"no-sandbox", FLAG, offsetof(LoadOptions, has_no_sandbox)},
    {"expect", FRACTION, offsetof(LoadOptions, expected_pct)},
    {"sockets", NUMBER, offsetof(LoadOptions, sockets)},
};
#define KNOWN_OPTIONS (sizeof known_options / sizeof known_options[0])

static void set_option(LoadOptions *out, size_t index, const char *value)
{
    void *at = (uint8_t *)out + known_options[index].offset;
    switch (known_options[index].kind) {
    case TEXT:
        *(const char **)at = value;
        break;
    case NUMBER:
        *(unsigned *)at = (unsigned)strtoul(value, NULL, 10);
        break;
    case INTEGER:
        *(int *)at = atoi(value);
        break;
    case FRACTION:
        *(double *)at = strtod(value, NULL);
        break;
    case FLAG:
        *(bool *)at = true;
        break;
    case PID:
        if (out->n_pids < LOAD_PIDS_MAX)
            out->pids[out->n_pids++] = atoi(value);
        break;
    }
}

static bool is_sane(const LoadOptions *options)
{
    bool has_door = options->worker != NULL || options->janus != NULL ||
                    (options->whip != NULL && options->whep != NULL);
    bool is_simple = options->rooms == 1 && !options->is_meeting && options->voices == 0;
    bool has_people =
        options->rooms >= 1 && options->rooms <= options->publishers &&
        options->late < options->subscribers && options->voices <= LOAD_VOICES_MAX &&
        (!options->is_meeting || (options->publishers == options->subscribers &&
                                  options->publishers / options->rooms <= 16)) &&
        (options->voices == 0 || (options->rooms == 1 && options->bitrate_bps == 0 &&
                                  options->audio_bytes > 0 && options->publishers <= 40)) &&
        (is_simple || options->whip == NULL);
    bool has_audio =
        options->audio_bytes == 0 || (options->audio_bytes >= 32 && options->audio_bytes <= 1200);
    return has_door && has_people && has_audio && options->publishers >= 1 &&
           options->publishers <= 100 && options->subscribers >= 1 &&
           options->subscribers <= 5000 && options->joins_per_s > 0 && options->joins_at_once > 0 &&
           options->fps > 0 && options->fps <= 120 && options->packet_bytes >= 200 &&
           options->packet_bytes <= 1300 && options->sockets >= 1 &&
           options->sockets <= LOAD_SOCKETS_MAX && options->bitrate_bps <= 50000000 &&
           options->worker_cpu < CPU_SETSIZE && options->workers >= 1 &&
           options->workers <= LOAD_WORKERS_MAX;
}

static int read_options(LoadOptions *out, int argc, char **argv)
{
    struct option options[KNOWN_OPTIONS + 1] = {0};
    int index, found;
    for (size_t i = 0; i < KNOWN_OPTIONS; i++)
        options[i] = (struct option){known_options[i].name, known_options[i].kind != FLAG, NULL, 0};
    while ((found = getopt_long(argc, argv, "", options, &index)) == 0)
        set_option(out, (size_t)index, optarg);
    return found == -1 && optind == argc && is_sane(out) ? 0 : -EINVAL;
}

bool load_hears(const LoadClient *client, unsigned publisher)
{
    const LoadOptions *options = &client->load->options;
    unsigned number = client->index - options->publishers;
    if (options->is_meeting)
        return publisher != number && publisher % options->rooms == client->room;
    return options->voices > 0 || publisher == number % options->publishers;
}

static void make_clients(Load *load)
{
    load->n_clients = load->options.publishers + load->options.subscribers;
    load->clients = calloc(load->n_clients, sizeof *load->clients);
    if (load->clients == NULL)
        abort();
    for (unsigned i = 0; i < load->n_clients; i++) {
        LoadClient *client = &load->clients[i];
        client->load = load;
        client->index = i;
        client->is_publisher = i < load->options.publishers;
        client->is_late = i >= load->n_clients - load->options.late;
        client->room =
            (client->is_publisher ? i : i - load->options.publishers) % load->options.rooms;
        load_net_assign(client);
        if (!client->is_publisher)
            continue;
        load_publish_init(client);
        client->publisher->audio.number_then = client->publisher->video.number_then = UINT32_MAX;
    }
}

static bool has_arrived(const LoadClient *client)
{
    if (client->state == LOAD_FAILED)
        return true;
    return client->state == LOAD_UP && (client->is_publisher || client->media_us != 0);
}

/* Starts the clients from @first to before @end, so many a second, and waits for them.
 * Returns whether all have arrived. */
static bool join_clients(Load *load, Run *run, unsigned first, unsigned end, unsigned per_s,
                         unsigned at_once, int64_t now_us)
{
    unsigned open = 0;
    for (unsigned i = first; i < first + run->joined; i++) {
        LoadClient *client = &load->clients[i];
        if (has_arrived(client))
            continue;
        if ((double)(now_us - client->asked_us) > load->options.join_timeout_s * 1e6)
            load_client_fail(client, client->state == LOAD_UP ? "connected, but no media came"
                                                              : "did not connect in time");
        open++;
    }
    while (first + run->joined < end && open < at_once && now_us >= run->next_join_us) {
        LoadClient *client = &load->clients[first + run->joined++];
        client->state = LOAD_JOINING;
        client->asked_us = load_now_us();
        load->signalling->join(client);
        int64_t step_us = 1000000 / (int64_t)per_s;
        run->next_join_us =
            (run->next_join_us + step_us < now_us ? now_us : run->next_join_us) + step_us;
        open++;
    }
    return open == 0 && first + run->joined == end;
}

static void begin_window(Load *load)
{
    for (unsigned i = 0; i < load->n_clients; i++) {
        LoadClient *client = &load->clients[i];
        if (client->is_publisher) {
            LoadTrack *tracks[] = {&client->publisher->audio, &client->publisher->video};
            client->publisher->plis_then = client->publisher->plis;
            for (int t = 0; t < 2; t++) {
                tracks[t]->number_then = tracks[t]->number;
                tracks[t]->number_end = UINT32_MAX;
            }
        }
        for (unsigned s = 0; s < client->n_streams; s++) {
            client->streams[s].unique_then = client->streams[s].unique;
            client->streams[s].highest_then = client->streams[s].seq.highest;
        }
    }
    load_sample(load, &load->begin);
    load->stats_then = load->stats;
    load->is_in_window = true;
}

static void end_window(Load *load)
{
    load->is_in_window = false;
    load_sample(load, &load->end);
    for (unsigned i = 0; i < load->options.publishers; i++) {
        LoadPublisher *publisher = load->clients[i].publisher;
        publisher->audio.number_end = publisher->audio.number;
        publisher->video.number_end = publisher->video.number;
    }
}

static void enter(Run *run, Phase phase, int64_t now_us)
{
    run->phase = phase;
    run->since_us = now_us;
    run->joined = 0;
}

static void leave_all(Load *load)
{
    for (unsigned i = load->n_clients; i > 0; i--) {
        LoadClient *client = &load->clients[i - 1];
        if (client->state != LOAD_WAITING)
            load->signalling->leave(client);
        load_client_close(client);
    }
    load->signalling->close(load);
}

static void advance(Load *load, Run *run, int64_t now_us)
{
    double passed_s = (double)(now_us - run->since_us) / 1e6;
    const LoadOptions *options = &load->options;
    unsigned publishers = options->publishers;
    unsigned late = load->n_clients - options->late; /* the first of them */
    int ready;
    switch (run->phase) {
    case PHASE_OPEN:
        ready = load->signalling->is_ready(load);
        if (ready != 0)
            enter(run, ready > 0 ? PHASE_PUBLISHERS : PHASE_END, now_us);
        run->status = ready < 0;
        break;
    case PHASE_PUBLISHERS:
        if (!join_clients(load, run, 0, publishers, options->joins_per_s, options->joins_at_once,
                          now_us) ||
            passed_s < 1)
            break; /* a second of media, so that the memory of publishing is in the sample */
        load_sample(load, &load->published);
        enter(run, PHASE_SUBSCRIBERS, now_us);
        break;
    case PHASE_SUBSCRIBERS:
        if (join_clients(load, run, publishers, late, options->joins_per_s, options->joins_at_once,
                         now_us))
            enter(run, PHASE_WARM_UP, now_us);
        break;
    case PHASE_WARM_UP:
        if (passed_s < load->options.warm_up_s)
            break;
        begin_window(load);
        enter(run, PHASE_WINDOW, now_us);
        break;
    case PHASE_WINDOW:
        if (!join_clients(load, run, late, load->n_clients, options->late + 1, options->late,
                          now_us) ||
            passed_s < options->duration_s)
            break;
        end_window(load);
        enter(run, PHASE_DRAIN, now_us);
        break;
    case PHASE_DRAIN:
        if (now_us - run->since_us < DRAIN_US)
            break;
        run->status |= !load_report(load);
        leave_all(load);
        enter(run, PHASE_LEAVE, now_us);
        break;
    case PHASE_LEAVE:
        if (load_http_is_idle(load) || now_us - run->since_us > LEAVE_US)
            enter(run, PHASE_END, now_us);
        break;
    case PHASE_END:
        break;
    }
}

static void tick_clients(Load *load, Run *run, int64_t now_us)
{
    for (unsigned i = 0; i < load->options.publishers; i++)
        load_publish_run(&load->clients[i], now_us);
    load_net_flush(load); /* the marks in the packets say now */
    if (now_us < run->next_tick_us)
        return;
    run->next_tick_us = now_us + TICK_US;
    for (unsigned i = 0; i < load->n_clients; i++)
        load_client_tick(&load->clients[i], now_us);
}

static int run_load(Load *load)
{
    const struct timespec pause = {.tv_nsec = SLEEP_NS};
    Run run = {.since_us = load_now_us()};
    int64_t started_us = run.since_us;
    while (run.phase != PHASE_END) {
        int64_t now_us = load_now_us();
        if (load->is_in_window && now_us - load->round_us > load->longest_us)
            load->longest_us = now_us - load->round_us;
        load->round_us = now_us;
        load_net_receive(load);
        tick_clients(load, &run, now_us);
        load_net_flush(load);
        load_http_poll(load);
        if (load->signalling->poll != NULL)
            load->signalling->poll(load);
        advance(load, &run, now_us);
        load_net_flush(load);
        if ((double)(now_us - started_us) > load->options.limit_s * 1e6) {
            fprintf(stderr, "manabi-load: not done after %.0f s\n", load->options.limit_s);
            return 1;
        }
        nanosleep(&pause, NULL);
    }
    for (unsigned i = 0; i < load->n_clients; i++)
        run.status |= load->clients[i].failure != NULL;
    return run.status;
}

static void free_clients(Load *load)
{
    for (unsigned i = 0; i < load->n_clients; i++) {
        load_client_close(&load->clients[i]);
        load_publish_free(&load->clients[i]);
        free(load->clients[i].twcc);
        free(load->clients[i].location);
    }
    free(load->clients);
}

int main(int argc, char **argv)
{
    static Load load;
    load.options = (LoadOptions){
        .scenario = "load",
        .profile = "gcm",
        .publishers = 1,
        .rooms = 1,
        .subscribers = 10,
        .joins_per_s = 50,
        .joins_at_once = 8,
        .warm_up_s = 2,
        .duration_s = 10,
        .limit_s = 180,
        .join_timeout_s = 15,
        .bitrate_bps = 1900000,
        .fps = 30,
        .packet_bytes = 1180,
        .audio_bytes = 80,
        .sockets = 2,
        .worker_cpu = -1,
        .workers = 1,
        .expected_pct = 99,
    };
    if (read_options(&load.options, argc, argv) < 0) {
        fputs(usage, stderr);
        return 2;
    }
    load.signalling = load.options.worker != NULL  ? &load_worker
                      : load.options.janus != NULL ? &load_janus
                                                   : &load_whip;
    if (load_net_open(&load) < 0 || load_client_init_tls(&load) < 0 || load_http_open(&load) < 0)
        return 1;
    make_clients(&load);
    load_sample(&load, &load.idle);
    int status = load.signalling->open(&load) < 0 ? 1 : run_load(&load);
    free_clients(&load);
    load_http_close(&load);
    load_net_close(&load);
    free(load.door);
    SSL_CTX_free(load.tls);
    BIO_meth_free(load.bio);
    return status;
}
