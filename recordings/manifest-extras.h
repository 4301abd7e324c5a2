/* manifest-extras.h - what a manifest holds besides recording, parts and renditions: captions, chat
 * and slides in their time, which captions people have touched, and what is known of a site visit.
 * Part of manifest.h. */
#pragma once
#include <jansson.h>

#include "recordings/captions.h"
#include "recordings/visit.h"

#define MNB_MOMENT_KINDS 3

typedef struct {
    GPtrArray *moments[MNB_MOMENT_KINDS]; /* MnbMoment, owned; by MnbMomentKind */
    GPtrArray *tracks; /* MnbCaptionTrack, owned: those that people have touched */
    MnbVisit *visit;   /* owned; NULL: no site visit */
} MnbManifestExtras;

void mnb_manifest_extras_clear(MnbManifestExtras *extras);

/* Adds "moments", "caption_tracks" and "visit" to @json. */
gboolean mnb_manifest_extras_build(MnbDb *db, const char *recording, json_t *json, GError **error);

/* Reads untrusted JSON; what makes no sense is left out. @extras: cleared before. Pure. */
void mnb_manifest_extras_parse(const json_t *json, MnbManifestExtras *extras);

/* Whether the catalogue has as much of it. */
gboolean mnb_manifest_extras_has_all(MnbDb *db, const char *recording,
                                     const MnbManifestExtras *extras);

/* Write. Puts them in place of what the catalogue has. That people who are shown were not asked is
 * never forgotten. */
gboolean mnb_manifest_extras_restore(MnbDb *db, const char *recording,
                                     const MnbManifestExtras *extras, GError **error);
