/* fixture.h - a catalogue in a directory of its own, for the tests of this folder. */
#pragma once

#include "recordings/catalog.h"
#include "recordings/event.h"
#include "recordings/recording.h"

#define NOW_US G_GINT64_CONSTANT(1764000000000000) /* 2025-11-24T16:00:00Z */

typedef struct {
    char *dir;
    MnbStore *store;
    MnbCatalog *catalog;
    MnbDb *db; /* a writing connection to another file, in memory-like use: no threads */
} Fixture;

/* A connection with the newest schema and the taxonomy, in a new directory. No threads. */
void fixture_open_db(Fixture *fixture);

/* A whole catalogue with its threads. */
void fixture_open_catalog(Fixture *fixture);
void fixture_close(Fixture *fixture); /* removes the directory */

/* Rows with all that is needed; the test aborts if that fails. Return (owned). */
MnbEvent *fixture_event(MnbDb *db, const char *title_en, const char *title_ja);
MnbRecording *fixture_recording(const char *title_en, const char *title_ja);

/* Removes a directory with everything in it. */
void fixture_remove_tree(const char *path);
