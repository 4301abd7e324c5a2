/* manifest-keeper.h - the thread that writes manifest.json of what changed. Part of catalog.h. */
#pragma once

#include "recordings/writer.h"

typedef struct MnbManifestKeeper MnbManifestKeeper;

/* @path: of the catalogue. @writer, @store: borrowed, outlive it. */
MnbManifestKeeper *mnb_manifest_keeper_new(const char *path, MnbStore *store, MnbWriter *writer,
                                           GError **error);

/* Writes what is due (2 s at most: the rest is due at the next start), then ends. NULL is fine. */
void mnb_manifest_keeper_free(MnbManifestKeeper *self);

/* Reads all manifests and restores them into the catalogue; see mnb_catalog_rebuild(). */
gboolean mnb_manifest_rebuild(MnbStore *store, MnbWriter *writer, guint *n_restored,
                              GError **error);

/* Is there any recording's folder with a manifest? */
gboolean mnb_manifest_any(MnbStore *store);
