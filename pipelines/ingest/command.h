/* command.h - what manabi says to manabi-ingest: one JSON object a line (docs/pipelines.md). Pure.
 */
#pragma once
#include "pipelines/ingest/source.h"

typedef enum {
    MNB_INGEST_START,
    MNB_INGEST_LIVE,
    MNB_INGEST_KEY_FRAME,
    MNB_INGEST_STOP,
} MnbIngestDo;

/* Strings are borrowed from the object. */
typedef struct {
    MnbIngestDo what;
    MnbSourceConfig source; /* START */
    MnbOutletOptions outlet;
    gboolean is_live; /* LIVE */
    guint32 video, audio;
} MnbIngestCommand;

/* Returns FALSE with *@reason_out (static) for what is not a command or out of its limits. */
gboolean mnb_ingest_command_parse(json_t *object, MnbIngestCommand *out, const char **reason_out);
