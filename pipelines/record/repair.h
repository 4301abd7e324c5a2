/* repair.h - gives a track file that was cut off the end that its muxer could not write.
 *
 * In place, without copying: the file is cut behind its last whole frame, an index is added, and
 * the sizes and the duration are filled in. Time stamps stay, so the file still lines up with the
 * others of its part (remuxing would move it to 0). Done again after a crash in the middle of it,
 * it ends the same. */
#pragma once
#include <glib.h>

typedef struct {
    gint64 offset_us;      /* time of the first frame */
    gint64 duration_us;    /* from the first to the last frame */
    guint64 bytes;         /* of the file now */
    guint64 dropped_bytes; /* cut off */
    gboolean was_complete; /* nothing had to be done */
} MnbRepair;

/* Returns: FALSE with @error set (MNB_JOB_ERROR): DAMAGED when no frame is in it, IO, DISK_FULL. */
gboolean mnb_repair_file(const char *path, MnbRepair *repair_out, GError **error);

typedef struct {
    guint below_part; /* only parts below this number; 0: all, and nobody may be recording */
    const char *const *forget; /* peers whose tracks are removed; NULL: none */
} MnbRepairPlan;

/* Repairs all parts of the folder @dir that say they are being recorded, and prints a "repaired"
 * event for each file. Returns: FALSE with @error set when a part could not be read or written; the
 * others are done all the same. */
gboolean mnb_repair_dir(const char *dir, const MnbRepairPlan *plan, GError **error);
