/* capture-timeline.h - timeline.json of a recording, as manabi-compose writes it: who was seen and
 * who spoke when, and where the wall's clock lies on the time line of all that was captured
 * (docs/pipelines.md). Any thread. */
#pragma once
#include <glib.h>

#include "recordings/store.h"

#define MNB_CAPTURE_TIMELINE_MAX   (8 * 1024 * 1024) /* bytes */
#define MNB_CAPTURE_TIMELINE_SPANS 20000

typedef struct {
    gint64 started_us; /* wall clock */
    gint64 at_us;      /* on the time line */
    gint64 duration_us;
} MnbCapturePart;

typedef struct {
    guint peer; /* index into the names */
    gint64 start_us, end_us;
} MnbCaptureSpan;

typedef struct {
    gint64 duration_us;
    GArray *parts;    /* MnbCapturePart */
    GPtrArray *ids;   /* char *, of peers */
    GPtrArray *names; /* char *, of the same peers */
    GArray *seen;     /* MnbCaptureSpan: cameras and screens */
    GArray *spoke;    /* MnbCaptureSpan */
} MnbCaptureTimeline;

/* Reads untrusted text. Returns (owned), or NULL with MNB_ERROR_INVALID. */
MnbCaptureTimeline *mnb_capture_timeline_parse(const char *text, gsize length, GError **error);

/* Of the recording in @folder. Errors: MNB_ERROR_NOT_FOUND when none was composed yet. */
MnbCaptureTimeline *mnb_capture_timeline_load(MnbStore *store, const char *folder, GError **error);
/* The same from a file by its name. */
MnbCaptureTimeline *mnb_capture_timeline_load_file(const char *path, GError **error);
void mnb_capture_timeline_free(MnbCaptureTimeline *timeline); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbCaptureTimeline, mnb_capture_timeline_free)

/* Where a moment of the wall's clock lies. One in a hole between two parts: where the next begins.
 * Returns: -1 before the first part or after the last. */
gint64 mnb_capture_timeline_at(const MnbCaptureTimeline *timeline, gint64 wall_us);
