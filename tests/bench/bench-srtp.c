/* bench-srtp.c - what sealing a packet for a subscriber costs. Prints one JSON line.
 *
 *     bench-srtp [--keys N] [--rounds N]
 *
 * As in the fan-out of a media worker: one shared payload, N subscribers with a key each, 4 packets
 * for each before the next. CPU time of the thread; the median of 7 runs. */
#include "server/media/bytes.h"
#include "server/media/srtp-backend.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS       7
#define BATCH      4
#define HEADER_LEN 20
#define PREFIX_LEN 4 /* a VP8 descriptor with a picture id */
#define KEYS_MAX   4096
#define PACKET_MAX 2048

typedef struct {
    MnbSrtp *srtp;
    MnbSrtpStream stream;
    uint16_t seq;
} Subscriber;

static Subscriber subscribers[KEYS_MAX];
static uint8_t shared[PACKET_MAX];
static uint8_t out[BATCH][PACKET_MAX];

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static int seal(Subscriber *subscriber, uint8_t *packet, uint16_t payload_len)
{
    memset(packet, 0, HEADER_LEN + PREFIX_LEN);
    packet[0] = 0x80;
    mnb_put_u16(packet + 2, subscriber->seq++);
    MnbSrtpPacket parts = {.header_len = HEADER_LEN,
                           .prefix_len = PREFIX_LEN,
                           .payload = shared,
                           .payload_len = payload_len};
    return mnb_srtp_protect(subscriber->srtp, &subscriber->stream, packet, PACKET_MAX, &parts);
}

/* @size: of the whole RTP packet before sealing. Returns ns a packet. */
static double measure_protect(size_t keys, size_t rounds, size_t size)
{
    double runs[RUNS];
    uint16_t payload_len = (uint16_t)(size - HEADER_LEN - PREFIX_LEN);
    for (size_t run = 0; run < RUNS; run++) {
        double start = now_ns();
        for (size_t round = 0; round < rounds; round++)
            for (size_t k = 0; k < keys; k++)
                for (size_t i = 0; i < BATCH; i++)
                    if (seal(&subscribers[k], out[i], payload_len) < 0)
                        abort();
        runs[run] = (now_ns() - start) / (double)(rounds * keys * BATCH);
    }
    qsort(runs, RUNS, sizeof runs[0], compare);
    return runs[RUNS / 2];
}

/* Sealing is measured first and taken off. */
static double measure_unprotect(MnbSrtp *receiver, size_t packets, size_t size, double seal_ns)
{
    double runs[RUNS];
    uint16_t payload_len = (uint16_t)(size - HEADER_LEN - PREFIX_LEN);
    MnbSrtpStream stream = subscribers[0].stream;
    for (size_t run = 0; run < RUNS; run++) {
        double start = now_ns();
        for (size_t i = 0; i < packets; i++) {
            int len = seal(&subscribers[0], out[0], payload_len);
            if (mnb_srtp_unprotect(receiver, &stream, out[0], (size_t)len, HEADER_LEN) < 0)
                abort();
        }
        runs[run] = (now_ns() - start) / (double)packets - seal_ns;
    }
    qsort(runs, RUNS, sizeof runs[0], compare);
    return runs[RUNS / 2];
}

static void bench_profile(const MnbSrtpBackend *backend, MnbSrtpProfile profile, const char *name,
                          size_t keys, size_t rounds, bool is_first)
{
    uint8_t material[MNB_SRTP_EXPORT_MAX];
    int error = 0;
    for (size_t k = 0; k < keys; k++) {
        for (size_t i = 0; i < sizeof material; i++)
            material[i] = (uint8_t)(i * 7 + k);
        subscribers[k] =
            (Subscriber){.srtp = mnb_srtp_new_from_export(backend, profile, material,
                                                          sizeof material, false, &error)};
        if (subscribers[k].srtp == NULL)
            abort();
    }
    for (size_t i = 0; i < sizeof material; i++)
        material[i] = (uint8_t)(i * 7);
    MnbSrtp *receiver =
        mnb_srtp_new_from_export(backend, profile, material, sizeof material, false, &error);
    if (receiver == NULL)
        abort();
    static const size_t sizes[] = {100, 1200};
    for (size_t i = 0; i < 2; i++) {
        double protect_ns = measure_protect(keys, rounds, sizes[i]);
        double one_key_ns = measure_protect(1, rounds * keys, sizes[i]);
        double unprotect_ns = measure_unprotect(receiver, rounds * keys, sizes[i], one_key_ns);
        printf("%s\"%s_%zu\": {\"protect_ns\": %.0f, \"protect_one_key_ns\": %.0f, "
               "\"unprotect_ns\": %.0f}",
               is_first && i == 0 ? "" : ", ", name, sizes[i], protect_ns, one_key_ns,
               unprotect_ns);
    }
    mnb_srtp_free(receiver);
    for (size_t k = 0; k < keys; k++)
        mnb_srtp_free(subscribers[k].srtp);
}

static void bench_backend(const MnbSrtpBackend *backend, size_t keys, size_t rounds)
{
    printf(", \"%s\": {", backend->name);
    bench_profile(backend, MNB_SRTP_AEAD_AES_128_GCM, "gcm128", keys, rounds, true);
    bench_profile(backend, MNB_SRTP_AEAD_AES_256_GCM, "gcm256", keys, rounds, false);
    bench_profile(backend, MNB_SRTP_AES128_CM_SHA1_80, "cm_sha1", keys, rounds, false);
    printf("}");
}

int main(int argc, char **argv)
{
    size_t keys = 400;
    size_t rounds = 20;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--keys") == 0)
            keys = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--rounds") == 0)
            rounds = strtoul(argv[i + 1], NULL, 10);
    }
    if (keys == 0 || keys > KEYS_MAX || rounds == 0) {
        fprintf(stderr, "usage: bench-srtp [--keys 1-%d] [--rounds N]\n", KEYS_MAX);
        return 2;
    }
    printf("{\"bench\": \"srtp\", \"keys\": %zu", keys);
    bench_backend(&mnb_srtp_backend_evp, keys, rounds);
    if (mnb_srtp_backend_ipsec_mb() != NULL)
        bench_backend(mnb_srtp_backend_ipsec_mb(), keys, rounds);
    printf("}\n");
    return 0;
}
