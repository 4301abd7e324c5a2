/* source.h - where a feed comes from: an SRT listener, an RTMP stream, or an RTSP camera.
 *
 * A source is one try: it waits or connects, sends what it gets through its branches (branch.h)
 * into the outlet, and ends. Its owner makes the next one. Signals of libsrt come in its threads;
 * on_ended in the main one. */
#pragma once
#include "pipelines/ingest/branch.h"

#include <jansson.h>

typedef enum { MNB_SOURCE_SRT, MNB_SOURCE_RTMP, MNB_SOURCE_RTSP } MnbSourceKind;

/* Strings are borrowed for the life of the source. */
typedef struct {
    MnbSourceKind kind;
    const char *address;    /* SRT: to listen on, numeric */
    int port;               /* SRT */
    int latency_ms;         /* SRT: of its own repair buffer; RTSP: of the jitter buffer */
    const char *passphrase; /* SRT: 10 to 79 characters */
    const char *key_hash;   /* SRT: SHA-256 of the stream key, hex */
    const char *url;        /* RTMP, RTSP */
} MnbSourceConfig;

typedef struct MnbSource MnbSource;

/* @reason: a word of docs/pipelines.md; @detail: English, for the log. The source may be freed in
 * it. */
typedef void (*MnbSourceEnded)(MnbSource *source, const char *reason, const char *detail,
                               gpointer data);

/* Returns (owned): already at work; NULL with @error. */
MnbSource *mnb_source_new(const MnbSourceConfig *config, MnbOutlet *outlet, MnbSourceEnded ended,
                          gpointer data, GError **error);
void mnb_source_free(MnbSource *source); /* NULL is fine */

gboolean mnb_source_is_connected(const MnbSource *source);

/* The "arriving" event of docs/pipelines.md (owned). To be called once a second. */
json_t *mnb_source_report(MnbSource *source);
