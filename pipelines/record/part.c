#include "pipelines/record/part.h"

#include "pipelines/common/lines.h"

#include <string.h>

#define GAPS_MAX 1000

typedef struct {
    guint32 track;
    gboolean is_video;
    const char *codec; /* static */
    char *peer, *name, *role, *language, *file;
    const MnbTrackFile *key; /* only compared; NULL: closed */
    MnbKept *kept;           /* borrowed */
    gint64 offset_us, last_us;
    guint64 lost_before, lost;
    gboolean is_told;
} Entry;

struct MnbPart {
    int number;
    gint64 started_unix_us, started_mono_us;
    char *boot_id;
    GPtrArray *entries;
    json_t *gaps;
};

static void entry_free(gpointer data)
{
    Entry *entry = data;
    g_free(entry->peer);
    g_free(entry->name);
    g_free(entry->role);
    g_free(entry->language);
    g_free(entry->file);
    g_free(entry);
}

MnbPart *mnb_part_new(int number, gint64 started_unix_us, gint64 started_mono_us)
{
    MnbPart *part = g_new0(MnbPart, 1);
    part->number = number;
    part->started_unix_us = started_unix_us;
    part->started_mono_us = started_mono_us;
    part->entries = g_ptr_array_new_with_free_func(entry_free);
    part->gaps = json_array();
    /* Monotonic times of two parts can be compared when both are of one boot. */
    if (g_file_get_contents("/proc/sys/kernel/random/boot_id", &part->boot_id, NULL, NULL))
        g_strstrip(part->boot_id);
    else
        part->boot_id = g_strdup("");
    return part;
}

void mnb_part_free(MnbPart *part)
{
    if (part == NULL)
        return;
    g_ptr_array_unref(part->entries);
    json_decref(part->gaps);
    g_free(part->boot_id);
    g_free(part);
}

void mnb_part_add_file(MnbPart *part, const MnbTrackConfig *config, const char *name,
                       gint64 offset_us, const MnbTrackFile *file, MnbKept *kept)
{
    Entry *entry = g_new0(Entry, 1);
    entry->track = config->id;
    entry->is_video = config->is_video;
    entry->codec = mnb_track_codec_name(config->codec);
    entry->peer = g_strdup(config->peer);
    entry->name = g_strdup(config->name);
    entry->role = g_strdup(config->role);
    entry->language = g_strdup(config->language);
    entry->file = g_strdup(name);
    entry->key = file;
    entry->kept = kept;
    entry->offset_us = entry->last_us = offset_us;
    entry->lost_before = G_MAXUINT64;
    g_ptr_array_add(part->entries, entry);
}

void mnb_part_written(MnbPart *part, const MnbTrackFile *file, gint64 at_us, guint64 lost)
{
    for (guint i = part->entries->len; i > 0; i--) {
        Entry *entry = g_ptr_array_index(part->entries, i - 1);
        if (entry->key != file)
            continue;
        if (entry->lost_before == G_MAXUINT64)
            entry->lost_before = lost;
        entry->last_us = MAX(entry->last_us, at_us);
        entry->lost = lost - entry->lost_before;
        return;
    }
}

void mnb_part_add_gap(MnbPart *part, const char *reason, gint64 at_us, gint64 length_us,
                      guint64 packets)
{
    if (json_array_size(part->gaps) < GAPS_MAX)
        json_array_append_new(part->gaps,
                              json_pack("{s:s, s:I, s:I, s:I}", "reason", reason, "at_us",
                                        (json_int_t)at_us, "length_us", (json_int_t)length_us,
                                        "packets", (json_int_t)packets));
}

gboolean mnb_part_tell_closed(MnbPart *part)
{
    gboolean has_news = FALSE;
    for (guint i = 0; i < part->entries->len; i++) {
        Entry *entry = g_ptr_array_index(part->entries, i);
        if (entry->is_told || g_atomic_int_get(&entry->kept->state) == MNB_KEPT_WRITING)
            continue;
        entry->is_told = has_news = TRUE;
        entry->key = NULL;
        mnb_lines_emit(json_pack("{s:s, s:I, s:s, s:I, s:I}", "event", "track-closed", "track",
                                 (json_int_t)entry->track, "file", entry->file, "duration_us",
                                 (json_int_t)(entry->last_us - entry->offset_us), "bytes",
                                 (json_int_t)entry->kept->bytes));
    }
    return has_news;
}

static json_t *entry_to_json(const Entry *entry)
{
    static const char *const states[] = {
        [MNB_KEPT_WRITING] = "writing",   [MNB_KEPT_COMPLETE] = "complete",
        [MNB_KEPT_REPAIRED] = "repaired", [MNB_KEPT_LOST] = "lost",
        [MNB_KEPT_DOUBTFUL] = "doubtful",
    };
    gint state = g_atomic_int_get(&entry->kept->state);
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "track",
                     (json_int_t)entry->track, "peer", entry->peer, "name", entry->name, "kind",
                     entry->is_video ? "video" : "audio", "role", entry->role, "language",
                     entry->language, "codec", entry->codec, "file", entry->file, "state",
                     states[state], "offset_us", (json_int_t)entry->offset_us, "duration_us",
                     (json_int_t)(entry->last_us - entry->offset_us), "bytes",
                     (json_int_t)(state == MNB_KEPT_WRITING ? 0 : entry->kept->bytes),
                     "lost_packets", (json_int_t)entry->lost);
}

json_t *mnb_part_tracks(const MnbPart *part)
{
    json_t *tracks = json_array();
    for (guint i = 0; i < part->entries->len; i++)
        json_array_append_new(tracks, entry_to_json(g_ptr_array_index(part->entries, i)));
    return tracks;
}

char *mnb_part_to_json(const MnbPart *part, const char *state, gint64 duration_us)
{
    json_t *object = json_pack(
        "{s:i, s:i, s:s, s:I, s:I, s:s, s:I, s:O, s:o}", "version", 1, "part", part->number,
        "state", state, "started_unix_us", (json_int_t)part->started_unix_us, "started_mono_us",
        (json_int_t)part->started_mono_us, "boot_id", part->boot_id, "duration_us",
        (json_int_t)duration_us, "gaps", part->gaps, "tracks", mnb_part_tracks(part));
    char *text = json_dumps(object, JSON_INDENT(1));
    json_decref(object);
    char *copy = g_strdup(text);
    free(text);
    return copy;
}
