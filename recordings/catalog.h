/* catalog.h - the catalogue: one SQLite file, one writing thread, a reader for the main thread.
 *
 *     main thread                       writer thread                  manifest thread
 *     mnb_catalog_reader() --reads-->   takes what waits: BEGIN        writes manifest.json
 *     mnb_catalog_write(func) ------>   SAVEPOINT func RELEASE ...     of what changed, after
 *         done() <-------------------   COMMIT (on disk)  ---------->  the commit
 *
 * - Every change is a function that runs on the writer thread in a savepoint; one that fails undoes
 *   only itself. A lone change is committed at once; what is queued while a commit is being written
 *   shares the next one. done() runs in the main context after the commit is on disk
 *   (synchronous=FULL), or with an error if it is not.
 * - Reads use mnb_catalog_reader() on the main thread, and see all whose done() was called.
 * - Functions on MnbDb (event.h, session.h, link.h, staff.h, recording.h, job.h ...) take either
 *   connection; a header says "Write" where it must be the writer's.
 * - One process: a second one on the same state directory is refused. (SQLite before 3.51.3 can
 *   damage a WAL file when two connections write or checkpoint at once, so we have one that does.)
 *
 * MnbCatalog itself is owned and called by the main thread. */
#pragma once

#include <glib.h>

#include "recordings/db.h"
#include "recordings/store.h"

#define MNB_CATALOG_QUEUE_MAX 20000 /* changes waiting; past that MNB_ERROR_LIMIT */

typedef struct MnbCatalog MnbCatalog;

typedef enum {
    MNB_CATALOG_NO_FLAGS = 0,
    /* If the file is damaged: put it aside (catalogue.db.damaged-TIME), take the newest good
     * backup, else an empty one, and take over what newer manifests say. Without it:
     * MNB_ERROR_DAMAGED. */
    MNB_CATALOG_RESTORE = 1 << 0,
    /* Put the file aside, whatever it is, and make a new one from manifests alone. */
    MNB_CATALOG_ANEW = 1 << 1,
} MnbCatalogFlags;

/* Opens, checks, backs up and migrates, seeds areas and cities, lists again the recordings whose
 * manifest is newer than the catalogue (after a restore), and starts the threads. Blocks. done() of
 * writes will run in the thread-default main context of now.
 * @store: borrowed, must outlive the catalogue.
 * Errors: MNB_ERROR_BUSY if another process has it open; MNB_ERROR_DAMAGED; MNB_ERROR_STORAGE_FULL;
 * MNB_ERROR_CONFLICT if the file was written by a newer Manabi; MNB_ERROR_STORAGE. */
MnbCatalog *mnb_catalog_open(MnbStore *store, MnbCatalogFlags flags, GError **error);

/* Commits what is queued (their done() calls run now), stops the threads, closes. NULL is fine. */
void mnb_catalog_close(MnbCatalog *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbCatalog, mnb_catalog_close)

/* Returns (borrowed): the reading connection of the main thread. Never NULL. */
MnbDb *mnb_catalog_reader(MnbCatalog *self);
MnbStore *mnb_catalog_store(MnbCatalog *self); /* borrowed */

/* Runs on the writer thread in a savepoint; FALSE (with @error set) undoes what it did. May run
 * again after the batch it was in could not be committed, so it changes nothing but @db and @data's
 * results. */
typedef gboolean (*MnbWriteFunc)(MnbDb *db, gpointer data, GError **error);

/* Main context, after the commit. @error (borrowed): NULL if it is on disk. */
typedef void (*MnbWriteDone)(const GError *error, gpointer data, gpointer user_data);

/* Queues a change. @data goes to @func and @done, then to @destroy (NULL allowed), in the main
 * context.
 * @done may be NULL: then a failure is logged by the catalogue.
 * Errors that reach @done: those of @func; MNB_ERROR_STORAGE_FULL; MNB_ERROR_STORAGE;
 * MNB_ERROR_LIMIT. */
void mnb_catalog_write(MnbCatalog *self, MnbWriteFunc func, gpointer data, GDestroyNotify destroy,
                       MnbWriteDone done, gpointer user_data);

/* The same, waiting for the commit; for start-up, the command line and tests. Done calls of other
 * writes do not run meanwhile. */
gboolean mnb_catalog_write_sync(MnbCatalog *self, MnbWriteFunc func, gpointer data, GError **error);

/* TRUE from a write that found the disk full until one succeeds with the reserve back in place. */
gboolean mnb_catalog_is_full(MnbCatalog *self);

/* Starts a backup into STATE/backups/ on a thread of its own (VACUUM INTO), and removes all but the
 * newest MNB_CATALOG_BACKUPS_KEPT. Call every MNB_CATALOG_BACKUP_S seconds; opening does it when
 * the newest is older than that. Does nothing while one is running. */
#define MNB_CATALOG_BACKUPS_KEPT 8
#define MNB_CATALOG_BACKUP_S     900
void mnb_catalog_backup(MnbCatalog *self);

/* Reads every manifest.json below STATE/recordings and inserts the recordings that the catalogue
 * lacks, and takes over those fields for which the manifest is newer. What a manifest lacks is
 * filled in safely: audience staff, state review. Blocks. @n_restored may be NULL. Broken manifests
 * are logged and passed over. */
gboolean mnb_catalog_rebuild(MnbCatalog *self, guint *n_restored, GError **error);

typedef struct {
    guint64 commits;      /* transactions on disk */
    guint64 writes;       /* functions that succeeded */
    guint64 failures;     /* functions or commits that failed */
    guint waiting;        /* queued now */
    gint64 commit_us_max; /* slowest commit since the last call */
} MnbCatalogStats;

/* For /metrics. */
void mnb_catalog_get_stats(MnbCatalog *self, MnbCatalogStats *stats);
