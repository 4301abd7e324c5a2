/* backup.h - a copy of all that a server has, taken while it runs, and the way back.
 *
 *     DIR/catalogue.db    one moment of the catalogue (VACUUM INTO)
 *     DIR/manabi.ini      the configuration, if there is one in the state directory
 *     DIR/recordings/     as in the state directory
 *
 * The catalogue is taken first, then of each recording what describes it (part-*.json,
 * manifest.json), then the media: so what is described is there, and a file that was still being
 * written is described as being written, and is repaired like one that a power cut left. A second
 * run copies only what is new or changed, and removes what the recording no longer has (who took
 * his consent back is gone from the backup, too); recordings that are gone altogether are kept. */
#pragma once
#include <glib.h>

typedef struct {
    guint files;   /* copied */
    guint kept;    /* were there already, unchanged */
    guint removed; /* that the recording no longer has */
    guint64 bytes; /* copied */
} MnbBackupCount;

/* Blocks. @state: state directory, of a running server or not. Errors: MNB_ERROR_*. */
gboolean mnb_backup_take(const char *state, const char *to, MnbBackupCount *count, GError **error);

/* Fills @state, which must have no catalogue yet; then takes over what manifests know that is newer
 * than the catalogue. @recordings: how many were taken over from manifests. */
gboolean mnb_backup_restore(const char *from, const char *state, MnbBackupCount *count,
                            guint *recordings, GError **error);
