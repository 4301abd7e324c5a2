/* replay.c - main() of a fuzz target that is built without libFuzzer.
 *
 *     fuzz-stun [--rounds N] [--seed N] FILE|DIRECTORY ...
 *
 * Runs every file as it is, then N mutations of them (default 100000, at most 5 s). The mutations
 * come from a seeded generator, so a failure repeats: a crash prints the seed and the round. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX     65536 /* bytes of one input */
#define INPUTS_MAX    4096
#define TIME_LIMIT_MS 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    uint8_t *data;
    size_t size;
} Input;

static Input inputs[INPUTS_MAX];
static size_t n_inputs;
static uint64_t random_state;
static uint64_t seed = 1;
static volatile uint64_t current_round;

/* xorshift64*: the same sequence on every machine. */
static uint64_t next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1DULL;
}

static size_t below(size_t limit)
{
    return limit == 0 ? 0 : (size_t)(next_random() % limit);
}

/* Copies into a block of exactly @size bytes, so that a read past the end is seen by ASan. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL)
        abort();
    if (size > 0)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static int load_file(const char *path)
{
    if (n_inputs == INPUTS_MAX)
        return -ENOSPC;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return -errno;
    uint8_t *data = malloc(INPUT_MAX);
    if (data == NULL)
        abort();
    size_t size = fread(data, 1, INPUT_MAX, file);
    fclose(file);
    inputs[n_inputs++] = (Input){data, size};
    run(data, size);
    return 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int load(const char *path)
{
    struct stat info;
    if (stat(path, &info) < 0)
        return -errno;
    if (!S_ISDIR(info.st_mode))
        return load_file(path);
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, compare_names);
    if (n < 0)
        return -errno;
    int result = 0;
    for (int i = 0; i < n; i++) {
        char name[4096];
        if (entries[i]->d_name[0] != '.' && result == 0 &&
            snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name) < (int)sizeof name)
            result = load(name);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static size_t mutate_once(uint8_t *data, size_t size)
{
    static const uint8_t edges[] = {0, 1, 2, 3, 4, 7, 8, 15, 16, 0x20, 0x7f, 0x80, 0xfe, 0xff};
    size_t at = below(size);
    switch (below(8)) {
    case 0: /* flip a bit */
        if (size > 0)
            data[at] ^= (uint8_t)(1u << below(8));
        return size;
    case 1: /* any byte */
        if (size > 0)
            data[at] = (uint8_t)next_random();
        return size;
    case 2: /* a byte that borders something */
        if (size > 0)
            data[at] = edges[below(sizeof edges)];
        return size;
    case 3: /* a 16-bit length or count */
        if (size >= 2) {
            at = below(size - 1);
            data[at] = edges[below(sizeof edges)];
            data[at + 1] = edges[below(sizeof edges)];
        }
        return size;
    case 4: /* cut the end */
        return size > 0 ? below(size) : 0;
    case 5: { /* leave out a middle part */
        size_t length = below(size - at < 32 ? size - at + 1 : 32);
        if (at + length > size)
            return size;
        memmove(data + at, data + at + length, size - at - length);
        return size - length;
    }
    case 6: { /* repeat a part */
        size_t length = below(size - at < 32 ? size - at + 1 : 32);
        if (at + length > size || size + length > INPUT_MAX)
            return size;
        memmove(data + at + length, data + at, size - at);
        return size + length;
    }
    default: { /* take a part of another input */
        const Input *other = &inputs[below(n_inputs)];
        size_t from = below(other->size);
        size_t length =
            below(other->size - from < size - at ? other->size - from + 1 : size - at + 1);
        if (length > 0)
            memcpy(data + at, other->data + from, length);
        return size;
    }
    }
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_crash(int signal_number)
{
    char text[160];
    int n = snprintf(text, sizeof text, "crashed by signal %d: --seed %llu, round %llu\n",
                     signal_number, (unsigned long long)seed, (unsigned long long)current_round);
    if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
        _exit(1);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

int main(int argc, char **argv)
{
    uint64_t rounds = 100000;
    signal(SIGABRT, on_crash);
    signal(SIGSEGV, on_crash);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
            rounds = strtoull(argv[++i], NULL, 10);
            continue;
        }
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = strtoull(argv[++i], NULL, 10);
            continue;
        }
        int error = load(argv[i]);
        if (error < 0) {
            fprintf(stderr, "%s: %s\n", argv[i], strerror(-error));
            return 1;
        }
    }
    if (n_inputs == 0) {
        fprintf(stderr, "no inputs\n");
        return 1;
    }
    uint8_t *work = malloc(INPUT_MAX);
    if (work == NULL)
        abort();
    int64_t end_ms = now_ms() + TIME_LIMIT_MS;
    for (current_round = 0; current_round < rounds; current_round++) {
        /* Each round starts the generator anew, so one round can be repeated without the others. */
        random_state =
            (seed + 1) * 0x9E3779B97F4A7C15ULL ^ (current_round + 1) * 0xD1B54A32D192ED03ULL;
        next_random();
        const Input *input = &inputs[below(n_inputs)];
        size_t size = input->size;
        memcpy(work, input->data, size);
        for (size_t n = 1 + below(6); n > 0; n--)
            size = mutate_once(work, size);
        run(work, size);
        if ((current_round & 255) == 0 && now_ms() > end_ms)
            break;
    }
    printf("%zu inputs, %llu mutations\n", n_inputs, (unsigned long long)current_round);
    for (size_t i = 0; i < n_inputs; i++)
        free(inputs[i].data);
    free(work);
    return 0;
}
