/* worker.c - joining a media worker without HTTP and rooms: starts manabi-media and says over its
 * control socket (server/media/control.h) what manabi would say. Measures the packet path alone.
 * With several workers the publishers are at the first; the others read them from packet rings, as
 * server/rooms/room-spread.c does it. */
#include "server/media/control.h"
#include "server/media/packet-ring.h"
#include "tests/bench/load/load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPUS_PT    111
#define VP8_PT     96
#define RTX_PT     97
#define MID_ID     4
#define TWCC_ID    3
#define LEVEL_ID   1
#define UDP_BUFFER (32 << 20) /* as manabi asks for */
#define RING_BYTES (1u << 20)
#define COPY_BASE  0x1000000u /* ids of taps and feeds */

typedef struct {
    pid_t pid;
    int control;
    int is_ready; /* 1, -1 failed */
    struct sockaddr_in address;
    uint8_t fingerprint[MNB_FINGERPRINT_BYTES];
    uint32_t voices[LOAD_VOICES_MAX]; /* --voices: tracks, as the slots show them */
    MnbWorkerStats stats;             /* the last it told */
} Worker;

/* The first worker, the home of all publishers; the others lie behind it. */
static Worker *home_of(const Load *load)
{
    return load->door;
}

static Worker *worker_of(const LoadClient *client)
{
    unsigned n = client->load->options.workers;
    return home_of(client->load) + (client->is_publisher ? 0 : client->index % n);
}

static void send_to(const Worker *worker, uint16_t type, const void *body, size_t len)
{
    uint8_t message[MNB_MEDIA_MESSAGE_MAX];
    MnbMediaHead head = {.type = type, .size = (uint16_t)(sizeof head + len)};
    memcpy(message, &head, sizeof head);
    memcpy(message + sizeof head, body, len);
    if (send(worker->control, message, head.size, MSG_NOSIGNAL) < 0)
        fprintf(stderr, "manabi-load: control socket: %s\n", strerror(errno));
}

static void send_command(const LoadClient *client, uint16_t type, const void *body, size_t len)
{
    send_to(worker_of(client), type, body, len);
}

/* Ids of a client's things: never 0, never the same. */
static uint32_t transport_of(const LoadClient *client)
{
    return client->index + 1;
}

static uint32_t track_of(unsigned publisher, bool is_video)
{
    return publisher * 2 + 1 + is_video;
}

static uint32_t copy_of(const LoadClient *client, unsigned worker)
{
    return COPY_BASE + client->index * LOAD_WORKERS_MAX + worker;
}

/* Joins the publisher's worker with the others. */
static void open_copies(LoadClient *client)
{
    for (unsigned w = 1; w < client->load->options.workers; w++) {
        MnbMediaId tap = {.id = copy_of(client, w)};
        MnbFeedOpen feed = {.transport = tap.id, .room = client->room + 1};
        int fds[] = {mnb_ring_create(RING_BYTES), eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        if (fds[0] < 0 || fds[1] < 0 ||
            mnb_control_send(home_of(client->load)[w].control, MNB_MEDIA_FEED_OPEN, &feed, fds, 2) <
                0 ||
            mnb_control_send(home_of(client->load)->control, MNB_MEDIA_TAP_OPEN, &tap, fds, 2) < 0)
            load_client_fail(client, "no ring between the workers");
        close(fds[0]);
        close(fds[1]);
    }
}

static void add_track(LoadClient *client, bool is_video)
{
    const LoadTrack *track = is_video ? &client->publisher->video : &client->publisher->audio;
    MnbTrackAdd add = {
        .track = track_of(client->index, is_video),
        .transport = transport_of(client),
        .codec = is_video ? MNB_CODEC_VP8 : MNB_CODEC_OPUS,
        .pt = track->pt,
        .rtx_pt = track->rtx_pt,
        .clock_rate = is_video ? 90000 : 48000,
        .ssrc = track->ssrc,
        .rtx_ssrc = is_video ? track->rtx_ssrc : 0,
        .ext = {.mid = track->mid_id, .twcc = track->twcc_id, .audio_level = track->level_id},
        .has_nack = is_video,
        .has_pli = is_video,
        .has_twcc = 1,
    };
    memcpy(add.mid, track->mid, sizeof add.mid);
    send_command(client, MNB_MEDIA_TRACK_ADD, &add, sizeof add);
    add.ssrc = add.rtx_ssrc = 0;
    add.rtx_pt = add.has_nack = add.has_twcc = 0;
    for (unsigned w = 1; w < client->load->options.workers; w++) {
        MnbTapTrack on = {.tap = copy_of(client, w), .track = add.track, .is_on = 1};
        add.transport = copy_of(client, w);
        send_to(home_of(client->load) + w, MNB_MEDIA_TRACK_ADD, &add, sizeof add);
        send_command(client, MNB_MEDIA_TAP_TRACK, &on, sizeof on);
    }
}

/* A client's slot number @place shows nothing (0), or a track. */
static void bind_slot(const LoadClient *client, unsigned place, uint32_t track)
{
    MnbSlotBind bind = {.slot = client->index * LOAD_STREAMS_MAX + place + 1, .track = track};
    send_command(client, MNB_MEDIA_SLOT_BIND, &bind, sizeof bind);
}

static void add_slot(const LoadClient *client, unsigned place, bool is_video)
{
    uint32_t slot = client->index * LOAD_STREAMS_MAX + place + 1;
    MnbSlotAdd add = {
        .slot = slot,
        .transport = transport_of(client),
        .ssrc = slot << 8 | 1,
        .rtx_ssrc = is_video ? slot << 8 | 2 : 0,
        .is_video = is_video,
        .has_nack = is_video,
        .clock_rate = is_video ? 90000 : 48000,
        .ext = {.mid = MID_ID, .twcc = TWCC_ID},
    };
    snprintf(add.mid, sizeof add.mid, "%u", place);
    add.pt[is_video ? MNB_CODEC_VP8 : MNB_CODEC_OPUS] = is_video ? VP8_PT : OPUS_PT;
    add.rtx_pt[MNB_CODEC_VP8] = is_video ? RTX_PT : 0;
    send_command(client, MNB_MEDIA_SLOT_ADD, &add, sizeof add);
}

/* What manabi does with the loudest: who is shown already stays where she is. */
static void show_voices(Load *load, const MnbSpeaker *speaker)
{
    Worker *worker = load->door;
    for (unsigned i = 0; i < 3 && speaker->tracks[i] != 0; i++) {
        unsigned place = LOAD_VOICES_MAX;
        bool is_shown = false;
        for (unsigned v = load->options.voices; v > 0; v--) {
            bool is_speaking = false;
            for (unsigned j = 0; j < 3; j++)
                is_speaking |= speaker->tracks[j] == worker->voices[v - 1];
            is_shown |= worker->voices[v - 1] == speaker->tracks[i];
            if (!is_speaking || worker->voices[v - 1] == 0)
                place = v - 1;
        }
        if (is_shown || place == LOAD_VOICES_MAX)
            continue;
        worker->voices[place] = speaker->tracks[i];
        for (unsigned c = load->options.publishers; c < load->n_clients; c++)
            if (load->clients[c].state >= LOAD_CHECKING && load->clients[c].state <= LOAD_UP)
                bind_slot(&load->clients[c], place, speaker->tracks[i]);
    }
}

static void add_slots(const LoadClient *client)
{
    Load *load = client->load;
    const LoadOptions *options = &load->options;
    unsigned place = 0;
    for (; place < options->voices; place++) {
        add_slot(client, place, false);
        bind_slot(client, place, ((Worker *)load->door)->voices[place]);
    }
    for (unsigned p = 0; options->voices == 0 && p < options->publishers; p++)
        for (int is_video = 0; is_video < 2 && load_hears(client, p); is_video++) {
            if (is_video ? options->bitrate_bps == 0 : options->audio_bytes == 0)
                continue;
            add_slot(client, place, is_video != 0);
            bind_slot(client, place++, track_of(p, is_video != 0));
        }
}

static void agree_on_publishing(LoadClient *client)
{
    LoadTrack *audio = &client->publisher->audio, *video = &client->publisher->video;
    audio->pt = OPUS_PT;
    video->pt = VP8_PT;
    video->rtx_pt = RTX_PT;
    audio->level_id = LEVEL_ID;
    audio->mid_id = video->mid_id = MID_ID;
    audio->twcc_id = video->twcc_id = TWCC_ID;
    audio->mid[0] = '0';
    video->mid[0] = '1';
}

static void join(LoadClient *client)
{
    Load *load = client->load;
    Worker *worker = worker_of(client);
    MnbTransportOpen open = {
        .transport = transport_of(client),
        .room = client->room + 1,
        .direction = client->is_publisher ? MNB_PUBLISH : MNB_RECEIVE,
    };
    MnbTransportRemote remote = {.transport = open.transport};
    load_random_text(client->ufrag, 8);
    load_random_text(client->pwd, 24);
    load_random_text(open.ufrag, 16);
    load_random_text(open.pwd, 32);
    load_random(&client->ssrc, sizeof client->ssrc);
    memcpy(remote.ufrag, client->ufrag, sizeof client->ufrag);
    memcpy(remote.fingerprint, load->certificate_hash, sizeof remote.fingerprint);
    send_command(client, MNB_MEDIA_TRANSPORT_OPEN, &open, sizeof open);
    send_command(client, MNB_MEDIA_TRANSPORT_REMOTE, &remote, sizeof remote);
    client->kinds[OPUS_PT] = LOAD_AUDIO;
    client->kinds[VP8_PT] = LOAD_VIDEO;
    client->kinds[RTX_PT] = LOAD_RTX;
    const bool wants[2] = {load->options.audio_bytes > 0, load->options.bitrate_bps > 0};
    if (client->is_publisher) {
        agree_on_publishing(client);
        open_copies(client);
    }
    for (int is_video = 0; is_video < 2; is_video++)
        if (wants[is_video] && client->is_publisher)
            add_track(client, is_video != 0);
    if (!client->is_publisher) {
        add_slots(client);
        client->twcc_id = TWCC_ID;
        client->twcc = calloc(1, sizeof *client->twcc);
    }
    client->server = worker->address;
    memcpy(client->server_ufrag, open.ufrag, sizeof open.ufrag);
    memcpy(client->server_pwd, open.pwd, sizeof open.pwd);
    memcpy(client->server_fingerprint, worker->fingerprint, sizeof worker->fingerprint);
    load_client_check(client);
}

static void leave(LoadClient *client)
{
    MnbMediaId id = {.id = transport_of(client)};
    send_command(client, MNB_MEDIA_TRANSPORT_CLOSE, &id, sizeof id);
}

/* What is looked at of them, over all workers. */
static void add_stats(Load *load)
{
    MnbWorkerStats sum = {0};
    for (unsigned w = 0; w < load->options.workers; w++) {
        const MnbWorkerStats *stats = &home_of(load)[w].stats;
        sum.dropped_send += stats->dropped_send + stats->tap_dropped;
        sum.switches += stats->switches;
        sum.slots_held_back += stats->slots_held_back;
        sum.stalled_us += stats->stalled_us;
    }
    load->stats = sum;
    load->has_stats = true;
}

static void take_message(Load *load, Worker *worker, const uint8_t *message, size_t len)
{
    MnbSpeaker speaker;
    MnbMediaHead head;
    MnbMediaReady ready;
    MnbMediaRefused refused;
    memcpy(&head, message, sizeof head);
    if (head.type == MNB_MEDIA_READY && len >= sizeof head + sizeof ready) {
        memcpy(&ready, message + sizeof head, sizeof ready);
        memcpy(worker->fingerprint, ready.fingerprint, sizeof worker->fingerprint);
        worker->is_ready = ready.version == MNB_MEDIA_VERSION ? 1 : -1;
    } else if (head.type == MNB_MEDIA_REFUSED && len >= sizeof head + sizeof refused) {
        memcpy(&refused, message + sizeof head, sizeof refused);
        fprintf(stderr, "manabi-load: the worker refused command %u about %u: %s\n", refused.type,
                refused.id, strerror(-refused.error));
    } else if (head.type == MNB_MEDIA_WORKER_STATS && len >= sizeof head + sizeof load->stats) {
        memcpy(&worker->stats, message + sizeof head, sizeof worker->stats);
        add_stats(load);
    } else if (head.type == MNB_MEDIA_FEED_KEY && len >= sizeof head + sizeof(MnbMediaId)) {
        send_to(home_of(load), MNB_MEDIA_KEY_FRAME, message + sizeof head, sizeof(MnbMediaId));
    } else if (head.type == MNB_MEDIA_SPEAKER && worker == home_of(load) &&
               len >= sizeof head + sizeof speaker && load->options.voices > 0) {
        memcpy(&speaker, message + sizeof head, sizeof speaker);
        show_voices(load, &speaker);
    }
}

static void poll_workers(Load *load)
{
    uint8_t message[MNB_MEDIA_MESSAGE_MAX];
    ssize_t n;
    for (unsigned w = 0; w < load->options.workers; w++) {
        Worker *worker = home_of(load) + w;
        while ((n = recv(worker->control, message, sizeof message, MSG_DONTWAIT)) >=
               (ssize_t)sizeof(MnbMediaHead))
            take_message(load, worker, message, (size_t)n);
        if (n == 0)
            worker->is_ready = -1;
    }
}

static int is_ready(Load *load)
{
    int all = 1;
    for (unsigned w = 0; w < load->options.workers; w++) {
        int one = home_of(load)[w].is_ready;
        all = all < 0 || one < 0 ? -1 : all && one;
    }
    return all;
}

static int open_udp(Worker *worker)
{
    int bytes = UDP_BUFFER;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0); /* inherited: no CLOEXEC */
    socklen_t len = sizeof worker->address;
    worker->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (fd < 0 || bind(fd, (struct sockaddr *)&worker->address, len) < 0 ||
        getsockname(fd, (struct sockaddr *)&worker->address, &len) < 0)
        return -1;
    return fd;
}

static int open_worker(Load *load, Worker *worker)
{
    int pair[2];
    char control[16], udp[16];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
        return -1;
    int udp_fd = open_udp(worker);
    if (udp_fd < 0)
        return -1;
    worker->control = pair[0];
    fcntl(pair[0], F_SETFD, FD_CLOEXEC);
    snprintf(control, sizeof control, "%d", pair[1]);
    snprintf(udp, sizeof udp, "%d", udp_fd);
    worker->pid = fork();
    if (worker->pid == 0) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET(((unsigned)load->options.worker_cpu + (unsigned)(worker - home_of(load))) %
                    (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
                &cpus);
        if (load->options.worker_cpu >= 0)
            sched_setaffinity(0, sizeof cpus, &cpus);
        execl(load->options.worker, load->options.worker, "--control-fd", control, "--udp-fd", udp,
              load->options.has_no_sandbox ? "--no-sandbox" : NULL, (char *)NULL);
        fprintf(stderr, "manabi-load: %s: %s\n", load->options.worker, strerror(errno));
        _exit(127);
    }
    close(pair[1]);
    close(udp_fd);
    if (worker->pid < 0)
        return -1;
    if (load->options.n_pids < LOAD_PIDS_MAX)
        load->options.pids[load->options.n_pids++] = worker->pid;
    return 0;
}

static int open_workers(Load *load)
{
    load->door = calloc(load->options.workers, sizeof(Worker));
    for (unsigned w = 0; load->door != NULL && w < load->options.workers; w++)
        if (open_worker(load, home_of(load) + w) < 0)
            return -1;
    return load->door == NULL ? -1 : 0;
}

static void close_workers(Load *load)
{
    for (unsigned w = 0; w < load->options.workers; w++) {
        int status = 0;
        close(home_of(load)[w].control); /* it ends by itself */
        waitpid(home_of(load)[w].pid, &status, 0);
        if (status != 0)
            fprintf(stderr, "manabi-load: a worker ended with status 0x%x\n", (unsigned)status);
    }
}

const LoadSignalling load_worker = {open_workers, is_ready,     join,
                                    leave,        poll_workers, close_workers};
