/* bench-search.c - how long a search takes in a catalogue of 100,000 recordings.
 *
 *     bench-search [--recordings N] [--queries N] [--seed N] [--file PATH]
 *
 * Fills a new catalogue with synthetic recordings (seeded: the same on every machine; words as
 * common and as rare as in real text, Japanese and English), asks what people ask, and prints one
 * JSON line. A server runs for weeks and remembers where words are, so the figures are of the
 * second half of the questions; "first_half" are those of a catalogue that was just opened. --file
 * keeps the catalogue, and takes it again if it is there. */
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recordings/migrate.h"
#include "recordings/search.h"
#include "recordings/taxonomy.h"

#define BATCH 2000 /* recordings in one transaction */

static const char *const english[] = {
    "city",         "water",       "flood",        "plan",        "management",  "community",
    "public",       "disaster",    "service",      "urban",       "waste",       "river",
    "safety",       "school",      "budget",       "housing",     "transport",   "health",
    "drainage",     "resilience",  "finance",      "earthquake",  "sewage",      "recycling",
    "evacuation",   "landslide",   "bridge",       "park",        "elderly",     "children",
    "tourism",      "energy",      "solar",        "market",      "training",    "pipeline",
    "reservoir",    "pump",        "levee",        "shelter",     "tax",         "bond",
    "zoning",       "land",        "readjustment", "station",     "railway",     "bus",
    "cycling",      "pedestrian",  "air",          "pollution",   "monitoring",  "sensor",
    "map",          "survey",      "volunteer",    "festival",    "museum",      "library",
    "nursery",      "clinic",      "nurse",        "typhoon",     "tsunami",     "warning",
    "radio",        "siren",       "rescue",       "fire",        "hydrant",     "compost",
    "incineration", "landfill",    "plastic",      "bottle",      "collection",  "fee",
    "audit",        "procurement", "contract",     "partnership", "maintenance", "asset",
    "inspection",   "tunnel",      "culvert",      "catchment",   "aquifer",     "desalination",
    "chlorine",
};

static const char *const japanese[] = {
    "都市",     "防災",         "計画",   "上下水道",     "地域",         "住民",
    "自治体",   "管理",         "廃棄物", "洪水",         "河川",         "避難",
    "訓練",     "学校",         "予算",   "財政",         "住宅",         "交通",
    "福祉",     "高齢者",       "子育て", "観光",         "エネルギー",   "太陽光",
    "市場",     "研修",         "水道管", "貯水池",       "ポンプ",       "堤防",
    "避難所",   "税金",         "債券",   "土地区画整理", "駅前",         "鉄道",
    "バス",     "自転車",       "歩行者", "大気汚染",     "測定",         "地図",
    "調査",     "ボランティア", "祭り",   "博物館",       "図書館",       "保育園",
    "診療所",   "台風",         "津波",   "警報",         "無線",         "救助",
    "消防",     "堆肥",         "焼却",   "埋立地",       "プラスチック", "ペットボトル",
    "収集",     "料金",         "監査",   "調達",         "契約",         "連携",
    "維持",     "資産",         "点検",   "トンネル",     "耐震",         "地震",
    "土砂災害", "備蓄",         "復興",   "再開発",       "景観",         "緑地",
    "公園",     "下水処理",     "浄水場", "漏水",
};

static const char *const particles[] = {"の", "と", "を", "に", "で", "が", "への", "による", "、"};

static guint64 random_state = 1;

/* xorshift64*: the same sequence on every machine. */
static guint64 next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1DULL;
}

static guint below(guint limit)
{
    return (guint)(next_random() % limit);
}

/* Zipf: the k-th word is taken about 1/k times as often as the first. */
static guint below_zipf(guint limit)
{
    double x = (double)(next_random() >> 11) / (double)(1ULL << 53);
    guint k = (guint)exp(x * log((double)limit + 1));
    return MIN(k, limit) - 1;
}

/* Names and terms that few recordings have: 20,000 of them. */
static void append_rare(GString *text, gboolean is_japanese)
{
    static const char *const syllables[] = {"ka",  "mo", "ri", "sen", "ta", "lo", "bu", "ne",
                                            "shi", "ga", "wa", "do",  "pe", "zu", "an", "mi"};
    static const char *const kanji[] = {"川", "山", "田", "町", "橋", "島", "谷", "原",
                                        "崎", "池", "浦", "森", "坂", "宮", "岡", "野"};
    guint n = below(20000);
    for (int i = 0; i < (is_japanese ? 3 : 4); i++, n /= 16)
        g_string_append(text, is_japanese ? kanji[n % 16] : syllables[n % 16]);
}

static void append_english(GString *text, guint n_words)
{
    for (guint i = 0; i < n_words; i++) {
        if (i > 0)
            g_string_append_c(text, ' ');
        if (below(10) == 0)
            append_rare(text, FALSE);
        else
            g_string_append(text, english[below_zipf(G_N_ELEMENTS(english))]);
    }
}

static void append_japanese(GString *text, guint n_words)
{
    for (guint i = 0; i < n_words; i++) {
        if (i > 0)
            g_string_append(text, particles[below(G_N_ELEMENTS(particles))]);
        if (below(10) == 0)
            append_rare(text, TRUE);
        else
            g_string_append(text, japanese[below_zipf(G_N_ELEMENTS(japanese))]);
    }
}

static char *make_text(gboolean is_japanese, guint n_words)
{
    GString *text = g_string_new(NULL);
    if (is_japanese)
        append_japanese(text, n_words);
    else
        append_english(text, n_words);
    return g_string_free(text, FALSE);
}

static void check(gboolean ok, const GError *error)
{
    if (ok)
        return;
    fprintf(stderr, "bench-search: %s\n", error == NULL ? "failed" : error->message);
    exit(1);
}

static void add_recording(MnbDb *db, guint number, GPtrArray *areas, GPtrArray *cities)
{
    static const char *const languages[] = {"en", "ja", "en,ja"};
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbRecording) recording = mnb_recording_new();
    recording->area = g_strdup(((MnbArea *)areas->pdata[below(areas->len)])->code);
    recording->city = g_strdup(((MnbCity *)cities->pdata[below_zipf(cities->len)])->code);
    recording->origin = MNB_ORIGIN_IMPORT;
    recording->title_en = make_text(FALSE, 4 + below(5));
    recording->title_ja = make_text(TRUE, 2 + below(4));
    recording->description_en = make_text(FALSE, 20 + below(40));
    recording->description_ja = make_text(TRUE, 10 + below(25));
    recording->languages = g_strsplit(languages[below(3)], ",", 0);
    recording->audience = below(20) == 0 ? MNB_AUDIENCE_STAFF : MNB_AUDIENCE_PUBLIC;
    recording->state = below(20) == 0 ? MNB_RECORDING_REVIEW : MNB_RECORDING_PUBLISHED;
    gint64 at_us = G_GINT64_CONSTANT(1600000000000000) + (gint64)number * 60000000;
    recording->recorded_us = at_us;
    check(mnb_recording_insert(db, recording, at_us, &error), error);
}

static void fill(MnbDb *db, guint n_recordings)
{
    g_autoptr(GError) error = NULL;
    check(mnb_db_exec(db, "PRAGMA synchronous = OFF", &error), error);
    check(mnb_migrate_to_newest(db, NULL, &error), error);
    check(mnb_taxonomy_seed(db, &error), error);
    g_autoptr(GPtrArray) areas = mnb_area_list(db, &error);
    g_autoptr(GPtrArray) cities = mnb_city_list(db, &error);
    check(areas != NULL && cities != NULL, error);
    for (guint i = 0; i < n_recordings; i++) {
        if (i % BATCH == 0)
            check(mnb_db_exec(db, "BEGIN", &error), error);
        add_recording(db, i, areas, cities);
        if ((i + 1) % BATCH == 0 || i + 1 == n_recordings)
            check(mnb_db_exec(db, "COMMIT", &error), error);
    }
}

/* ---- asking ---- */

typedef enum {
    ASK_HOME,     /* nothing typed, sometimes a filter */
    ASK_COMMON,   /* one of the twenty most common words of either language */
    ASK_WORD,     /* any word */
    ASK_TWO,      /* two words */
    ASK_RARE,     /* a name */
    ASK_TYPING,   /* the beginning of a word */
    ASK_ONE_CHAR, /* one Japanese character */
    N_ASKS
} Ask;

static const char *const ask_names[N_ASKS] = {"home", "common", "word",         "two",
                                              "rare", "typing", "one_character"};

static const char *pick_word(guint limit)
{
    return below(2) == 0 ? english[below(MIN(limit, (guint)G_N_ELEMENTS(english)))]
                         : japanese[below(MIN(limit, (guint)G_N_ELEMENTS(japanese)))];
}

static char *make_question(Ask ask)
{
    switch (ask) {
    case ASK_COMMON:
        return g_strdup(pick_word(20));
    case ASK_WORD:
        return g_strdup(pick_word(G_MAXUINT));
    case ASK_TWO:
        return g_strdup_printf("%s %s", pick_word(G_MAXUINT), pick_word(G_MAXUINT));
    case ASK_RARE: {
        GString *text = g_string_new(NULL);
        append_rare(text, below(2) == 0);
        return g_string_free(text, FALSE);
    }
    case ASK_TYPING: {
        const char *word = english[below(G_N_ELEMENTS(english))];
        return g_strndup(word, MIN(strlen(word), 2 + below(3)));
    }
    case ASK_ONE_CHAR: {
        const char *word = japanese[below(G_N_ELEMENTS(japanese))];
        return g_strndup(word, (gsize)(g_utf8_next_char(word) - word));
    }
    default:
        return g_strdup("");
    }
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static double at_rank(const double *sorted, guint n, double rank)
{
    return n == 0 ? 0 : sorted[MIN((guint)(rank * n), n - 1)];
}

typedef struct {
    double wall_ms;
    double cpu_ms; /* of this thread: what a busy machine does not blur */
} Took;

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static Took ask_once(MnbDb *db, Ask ask, GPtrArray *areas, GPtrArray *cities, guint64 *hits)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = make_question(ask);
    MnbSearchQuery query = {.text = text, .limit = 24};
    if (below(4) == 0)
        query.filters[MNB_FACET_AREA] = ((MnbArea *)areas->pdata[below(areas->len)])->code;
    if (below(4) == 0)
        query.filters[MNB_FACET_CITY] = ((MnbCity *)cities->pdata[below_zipf(cities->len)])->code;
    if (below(8) == 0)
        query.offset = 24 * below(20);
    gint64 start_us = g_get_monotonic_time();
    double start_cpu_ms = cpu_ms();
    g_autoptr(MnbSearchResult) result = mnb_search(db, &query, &error);
    Took took = {(double)(g_get_monotonic_time() - start_us) / 1000, cpu_ms() - start_cpu_ms};
    check(result != NULL, error);
    *hits += result->total;
    return took;
}

/* Half of the questions, of all kinds mixed, before those that count. */
static void warm_up(MnbDb *db, guint n_queries, GPtrArray *areas, GPtrArray *cities)
{
    guint n = n_queries / 2;
    g_autofree double *cpu = g_new0(double, n + 1);
    guint64 hits = 0;
    for (guint i = 0; i < n; i++)
        cpu[i] = ask_once(db, (Ask)(i % N_ASKS), areas, cities, &hits).cpu_ms;
    qsort(cpu, n, sizeof *cpu, compare_doubles);
    printf("{\"bench\":\"search\",\"first_half\":true,\"cpu_p50_ms\":%.2f,\"cpu_p99_ms\":%.2f,"
           "\"cpu_max_ms\":%.2f}\n",
           at_rank(cpu, n, 0.5), at_rank(cpu, n, 0.99), at_rank(cpu, n, 1));
}

static void run(MnbDb *db, guint n_recordings, guint n_queries, gint64 bytes, double fill_s)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) areas = mnb_area_list(db, &error);
    g_autoptr(GPtrArray) cities = mnb_city_list(db, &error);
    check(areas != NULL && cities != NULL, error);
    g_autofree double *all = g_new0(double, n_queries);
    g_autofree double *all_cpu = g_new0(double, n_queries);
    g_autoptr(GString) kinds = g_string_new(NULL);
    guint n_all = 0;
    warm_up(db, n_queries, areas, cities);
    n_queries -= n_queries / 2;
    for (int ask = 0; ask < N_ASKS; ask++) {
        guint n = n_queries / N_ASKS;
        double *times = all + n_all;
        double *cpu = all_cpu + n_all;
        guint64 hits = 0;
        for (guint i = 0; i < n; i++) {
            Took took = ask_once(db, (Ask)ask, areas, cities, &hits);
            times[i] = took.wall_ms;
            cpu[i] = took.cpu_ms;
        }
        n_all += n;
        qsort(times, n, sizeof *times, compare_doubles);
        qsort(cpu, n, sizeof *cpu, compare_doubles);
        g_string_append_printf(kinds,
                               "%s\"%s\":{\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"cpu_p50_ms\":%.2f,"
                               "\"cpu_p99_ms\":%.2f,\"mean_hits\":%.0f}",
                               ask > 0 ? "," : "", ask_names[ask], at_rank(times, n, 0.5),
                               at_rank(times, n, 0.99), at_rank(cpu, n, 0.5), at_rank(cpu, n, 0.99),
                               n == 0 ? 0 : (double)hits / n);
    }
    qsort(all, n_all, sizeof *all, compare_doubles);
    qsort(all_cpu, n_all, sizeof *all_cpu, compare_doubles);
    printf("{\"bench\":\"search\",\"recordings\":%u,\"queries\":%u,\"p50_ms\":%.2f,\"p99_ms\":%.2f,"
           "\"max_ms\":%.2f,\"cpu_p50_ms\":%.2f,\"cpu_p99_ms\":%.2f,\"catalogue_mb\":%.1f,"
           "\"fill_s\":%.1f,\"kinds\":{%s}}\n",
           n_recordings, n_all, at_rank(all, n_all, 0.5), at_rank(all, n_all, 0.99),
           at_rank(all, n_all, 1), at_rank(all_cpu, n_all, 0.5), at_rank(all_cpu, n_all, 0.99),
           (double)bytes / 1e6, fill_s, kinds->str);
}

static gint64 size_of(const char *path)
{
    GStatBuf info;
    return g_stat(path, &info) == 0 ? (gint64)info.st_size : 0;
}

int main(int argc, char **argv)
{
    guint n_recordings = 100000;
    guint n_queries = 7000;
    const char *file = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--recordings") == 0)
            n_recordings = (guint)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--queries") == 0)
            n_queries = (guint)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            random_state = strtoull(argv[i + 1], NULL, 10) | 1;
        else if (strcmp(argv[i], "--file") == 0)
            file = argv[i + 1];
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *dir = g_dir_make_tmp("manabi-bench-XXXXXX", &error);
    check(dir != NULL, error);
    g_autofree char *path = file != NULL ? g_strdup(file) : g_build_filename(dir, "bench.db", NULL);
    gboolean is_new = !g_file_test(path, G_FILE_TEST_EXISTS);
    gint64 start_us = g_get_monotonic_time();
    MnbDb *writer = mnb_db_open(path, MNB_DB_WRITER, &error);
    check(writer != NULL, error);
    if (is_new)
        fill(writer, n_recordings);
    check(mnb_db_exec(writer, "PRAGMA wal_checkpoint(TRUNCATE)", &error), error);
    double fill_s = (double)(g_get_monotonic_time() - start_us) / 1e6;
    MnbDb *reader = mnb_db_open(path, MNB_DB_READER, &error);
    check(reader != NULL, error);
    run(reader, n_recordings, n_queries, size_of(path), fill_s);
    mnb_db_close(reader);
    mnb_db_close(writer);
    if (file == NULL)
        g_unlink(path);
    g_rmdir(dir);
    return 0;
}
