/* pipeline-event.h - one line that a pipeline program says (docs/pipelines.md), parsed.
 *
 * The programs handle films of strangers, so what they say is checked like anything from outside:
 * at most 64 KiB, 16 levels, no duplicate keys, numbers in range. Any thread. */
#pragma once
#include <glib.h>
#include <jansson.h>

#define MNB_PIPELINE_CODE_MAX   32  /* bytes with the NUL; [a-z0-9-] */
#define MNB_PIPELINE_REASON_MAX 500 /* bytes; longer texts are cut */

typedef enum {
    MNB_PIPELINE_UNKNOWN, /* a kind that we do not know: to be ignored */
    MNB_PIPELINE_MISSING_PLUGIN,
    MNB_PIPELINE_WARNING,
    MNB_PIPELINE_PROGRESS,
    MNB_PIPELINE_FAILED,
    MNB_PIPELINE_DONE,
    MNB_PIPELINE_READY,
    MNB_PIPELINE_TRACK_FILE,
    MNB_PIPELINE_TRACK_CLOSED,
    MNB_PIPELINE_WRITTEN,
    MNB_PIPELINE_GAP,
    MNB_PIPELINE_NEED_KEY_FRAME,
    MNB_PIPELINE_SLOW_DISK,
    MNB_PIPELINE_DISK_FULL,
    MNB_PIPELINE_DISK_FREE,
    MNB_PIPELINE_BAD_MEDIA,
    MNB_PIPELINE_REPAIRED,
    MNB_PIPELINE_STOPPED,
} MnbPipelineKind;

/* Fields that an event does not have are 0, -1 (eta_s) or "". */
typedef struct {
    MnbPipelineKind kind;
    json_t *object; /* the whole line */
    char code[MNB_PIPELINE_CODE_MAX];
    char *reason;
    char *element; /* of MISSING_PLUGIN */
    char *package;
    int permille;
    int eta_s;
    guint32 track;
    guint64 bytes;
    guint64 lost_packets;
    guint64 gap_packets;
    guint64 packets; /* of GAP */
    gint64 started_unix_us;
    gint64 duration_us;
} MnbPipelineEvent;

/* @line: without its newline. Returns (owned), or NULL with MNB_ERROR_INVALID. */
MnbPipelineEvent *mnb_pipeline_event_parse(const char *line, gsize length, GError **error);
void mnb_pipeline_event_free(MnbPipelineEvent *event); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbPipelineEvent, mnb_pipeline_event_free)

/* Whether a failure of this code is worth another attempt (the table in docs/pipelines.md). "" is a
 * crash: yes. */
gboolean mnb_pipeline_may_retry(const char *code);
