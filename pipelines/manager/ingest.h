/* ingest.h - one live feed from the field: a manabi-ingest process under supervision.
 *
 *     encoder --SRT, RTMP, RTSP--> manabi-ingest --packet ring--> media worker
 *                                  JSON lines: docs/pipelines.md
 *
 * A process that dies is started again on the same ring, and told the same again; the room sees a
 * new stream on the same tracks. What arrives is kept for whoever asks. Main thread only; no call
 * blocks. */
#pragma once
#include <glib.h>
#include <jansson.h>

#include "pipelines/manager/walls.h"

typedef struct MnbIngest MnbIngest;

/* Strings are copied. */
typedef struct {
    const char *program; /* absolute path of manabi-ingest */
    const char *feed;    /* id, for the log */
    const char *source;  /* "srt", "rtmp", "rtsp" */
    const char *address; /* srt: to listen on */
    guint16 port;        /* srt */
    guint latency_ms;
    const char *passphrase; /* srt */
    const char *key_sha256; /* srt: hex */
    const char *url;        /* rtmp, rtsp */
    const char *name;       /* on the slate */
    guint width, height, bitrate_bps;
    const MnbWalls *walls; /* borrowed, outlives it; NULL: none */
} MnbIngestOptions;

/* What is known of a feed; texts are borrowed until the next turn of the main loop. */
typedef struct {
    gboolean is_up; /* the process is ready */
    gboolean is_connected;
    const json_t *arriving; /* the last event of that name; NULL: none since it is up */
    const char *refused;    /* code of the last refusal; NULL: none */
    gint64 refused_us;      /* wall clock */
    const char *gone;       /* why the last source ended; NULL: it has not */
    gint64 heard_us;        /* monotonic: when it was last connected; 0: never */
} MnbIngestStatus;

/* Starts it. Returns (owned), or NULL with @error (MNB_ERROR_MISSING and others). */
MnbIngest *mnb_ingest_new(const MnbIngestOptions *options, GError **error);
void mnb_ingest_free(MnbIngest *ingest); /* kills it; NULL is fine */

/* The ring that it writes: descriptors, borrowed. */
int mnb_ingest_memfd(const MnbIngest *ingest);
int mnb_ingest_eventfd(const MnbIngest *ingest);

/* From now on into these tracks of the media worker; 0, 0: into none. */
void mnb_ingest_set_tracks(MnbIngest *ingest, guint32 video, guint32 audio);
void mnb_ingest_key_frame(MnbIngest *ingest);

void mnb_ingest_status(const MnbIngest *ingest, MnbIngestStatus *out);
GPid mnb_ingest_pid(const MnbIngest *ingest); /* 0 while it is down */
