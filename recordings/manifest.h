/* manifest.h - STATE/recordings/<folder>/manifest.json: what the catalogue knows of a recording,
 * beside its files.
 *
 * Written after every change by the catalogue itself (the table manifest_due says what is due, so a
 * crash between the commit and the file is made good at the next start). Read only to rebuild a
 * catalogue that was lost. Format 1; unknown fields are ignored, so that an older server reads a
 * newer manifest. */
#pragma once

#include <glib.h>

#include "recordings/db.h"
#include "recordings/manifest-extras.h"
#include "recordings/recording.h"

#define MNB_MANIFEST_FORMAT 1
#define MNB_MANIFEST_MAX    (64 * 1024 * 1024) /* bytes */

typedef struct {
    MnbRecording *recording;
    GPtrArray *parts;      /* MnbPart */
    GPtrArray *renditions; /* MnbRendition */
    MnbManifestExtras extras;
} MnbManifest;

void mnb_manifest_free(MnbManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbManifest, mnb_manifest_free)

/* Returns (owned): the JSON text for a recording. Errors: MNB_ERROR_NOT_FOUND. */
char *mnb_manifest_build(MnbDb *db, const char *recording, GError **error);

/* Reads untrusted text. Area, city, id and a title must be there; what is missing else is filled in
 * so that nothing becomes more visible: audience staff, state review. Errors: MNB_ERROR_INVALID. */
MnbManifest *mnb_manifest_parse(const char *text, gsize length, GError **error);

/* Write. Inserts what the catalogue lacks, or takes over a newer manifest; never relaxes the
 * audience or un-withdraws. An event or session that is not there any more is left out. @changed
 * may be NULL. */
gboolean mnb_manifest_restore(MnbDb *db, const MnbManifest *manifest, gboolean *changed,
                              GError **error);
