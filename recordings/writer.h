/* writer.h - the thread that owns the only writing connection: takes what waits, runs each change
 * in a savepoint, commits once for all of them, answers in the main context. Part of catalog.h. */
#pragma once

#include "recordings/catalog.h"

typedef struct MnbWriter MnbWriter;

/* Called on the writer thread after a commit that left manifests to be written. */
typedef void (*MnbManifestsDue)(gpointer data);

/* @db: owned from now on, used on the thread only. @store: borrowed. @context: of done(). */
MnbWriter *mnb_writer_new(MnbDb *db, MnbStore *store, GMainContext *context);

/* Before the first change. NULL ends it; after that call no more come. */
void mnb_writer_on_manifests_due(MnbWriter *self, MnbManifestsDue callback, gpointer data);

/* Commits what waits, ends the thread, runs the done() calls that are left. What is pushed from now
 * on (by those calls) fails with MNB_ERROR_UNAVAILABLE. Main thread. NULL is fine. */
void mnb_writer_stop(MnbWriter *self);

/* Stops, and closes the connection. NULL is fine. */
void mnb_writer_free(MnbWriter *self);

/* Main thread. As mnb_catalog_write(). */
void mnb_writer_push(MnbWriter *self, MnbWriteFunc func, gpointer data, GDestroyNotify destroy,
                     MnbWriteDone done, gpointer user_data);

/* Any thread but the writer's. As mnb_catalog_write_sync(). */
gboolean mnb_writer_run(MnbWriter *self, MnbWriteFunc func, gpointer data, GError **error);

gboolean mnb_writer_is_full(MnbWriter *self);
void mnb_writer_get_stats(MnbWriter *self, MnbCatalogStats *stats);
