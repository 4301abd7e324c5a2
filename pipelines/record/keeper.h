/* keeper.h - the thread of manabi-record that waits for the disk, so that nobody else has to.
 *
 * Each second it makes all open files durable, closes those that are finished, repairs those whose
 * muxer broke, writes part-<P>.json when there is a new one, and looks at the free space. */
#pragma once
#include "pipelines/record/track-file.h"

typedef enum {
    MNB_KEPT_WRITING,
    MNB_KEPT_COMPLETE,
    MNB_KEPT_REPAIRED,
    MNB_KEPT_LOST,
    MNB_KEPT_DOUBTFUL,
} MnbKeptState;

/* One file in the keeper's care. Read only by others, and all but state only when state is set. */
typedef struct {
    char *path;
    MnbTrackFile *file; /* owned until closed */
    gint state;         /* atomic, MnbKeptState */
    guint64 bytes;      /* when closed */
} MnbKept;

typedef struct MnbKeeper MnbKeeper;

/* @dir: the recording's folder, with tracks/ in it. @part_path: of part-<P>.json. */
MnbKeeper *mnb_keeper_new(const char *dir, const char *part_path);

/* Waits for the thread. Files that are not closed by then stay as they are. */
void mnb_keeper_free(MnbKeeper *keeper);

/* @file: a reference is taken. Returns (borrowed until free). */
MnbKept *mnb_keeper_add(MnbKeeper *keeper, const char *path, MnbTrackFile *file);

/* @json (owned, taken): text of the next part-<P>.json; replaces one not written yet. */
void mnb_keeper_write_part(MnbKeeper *keeper, char *json);

/* Whether all files are closed and part-<P>.json is as it was last given. */
gboolean mnb_keeper_is_idle(MnbKeeper *keeper);

typedef struct {
    guint64 durable_bytes; /* of all files */
    guint64 free_bytes;    /* of the file system; G_MAXUINT64: not known */
    gint slow_ms; /* longest wait for the disk since the last question, when above 1 s; else 0 */
    gboolean has_failed; /* part-<P>.json could not be written */
    gboolean is_full;    /* a write failed for want of space since the last question */
} MnbKeeperReport;
MnbKeeperReport mnb_keeper_report(MnbKeeper *keeper);
