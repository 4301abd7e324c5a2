/* part.h - what part-<P>.json says: which files a part of a recording has, and when they are.
 *
 * Composition and repair need nothing else, no database. Fields: docs/pipelines.md. */
#pragma once
#include "pipelines/record/keeper.h"
#include "pipelines/record/track.h"

#include <jansson.h>

typedef struct MnbPart MnbPart;

MnbPart *mnb_part_new(int number, gint64 started_unix_us, gint64 started_mono_us);
void mnb_part_free(MnbPart *part); /* NULL is fine */

/* @config: copied out of. @name: relative to the recording's folder. @file: only compared, never
 * used. @kept: borrowed, as long as the part lives. */
void mnb_part_add_file(MnbPart *part, const MnbTrackConfig *config, const char *name,
                       gint64 offset_us, const MnbTrackFile *file, MnbKept *kept);

/* A frame at @at_us went into @file. @lost: packets its track has lost so far. */
void mnb_part_written(MnbPart *part, const MnbTrackFile *file, gint64 at_us, guint64 lost);

void mnb_part_add_gap(MnbPart *part, const char *reason, gint64 at_us, gint64 length_us,
                      guint64 packets);

/* Prints "track-closed" for files that the keeper has closed since the last call.
 * Returns: whether there was one. */
gboolean mnb_part_tell_closed(MnbPart *part);

/* @state: "recording" or "complete". Returns (owned): the text of part-<P>.json. */
char *mnb_part_to_json(const MnbPart *part, const char *state, gint64 duration_us);

/* Returns (owned): the array of tracks. */
json_t *mnb_part_tracks(const MnbPart *part);
