/* recorder.h - one recording that is being made: a manabi-record process under supervision.
 *
 *     media worker --tap--> packet ring (memfd + eventfd) --> manabi-record --> tracks/x.mkv
 *                                 made here                     JSON lines: docs/pipelines.md
 *
 * A recorder that dies, or says nothing for 3 s, is replaced within a second by the next part of
 * the same recording; the tracks are told to it again. Five ends within a minute: the recording has
 * failed, on_state says so, and what was written stays. The order of a track's way: add-track to
 * the recorder, then the tap. Key frames are asked for here. Main thread only; no call blocks. */
#pragma once
#include "pipelines/manager/media-worker.h"
#include "pipelines/manager/walls.h"

typedef struct MnbRecorder MnbRecorder;

typedef enum {
    MNB_RECORDER_STARTING,  /* a part's process is not ready yet */
    MNB_RECORDER_ON,        /* it writes */
    MNB_RECORDER_DISK_FULL, /* files are closed, what arrives is lost; ON follows when there is
                               space */
    MNB_RECORDER_FAILED,    /* given up, see detail; free it */
    MNB_RECORDER_STOPPED,   /* all files are closed */
} MnbRecorderState;

/* Strings are copied. */
typedef struct {
    guint32 track;  /* id at the worker */
    MnbCodec codec; /* decides audio or video */
    guint8 pt;
    guint32 clock_rate;
    const char *fmtp;     /* "a=b;c=d" as in SDP; NULL or "": none */
    const char *peer;     /* id */
    const char *name;     /* shown in the film; "" allowed */
    const char *role;     /* "camera", "screen", "microphone", "interpretation"; NULL: by kind */
    const char *language; /* BCP 47, NULL: none */
    const char *file;     /* [A-Za-z0-9._-], at most 100, unique in the recording */
} MnbRecorderTrack;

/* Each may be NULL. The recorder may be freed in on_state and on_stopped only. */
typedef struct {
    /* A part begins (after a crash with the next number): to be put into the catalogue. */
    void (*on_part)(MnbRecorder *recorder, guint part, gint64 started_unix_us, gpointer data);
    /* A part is over. @is_closed: FALSE when its process died: the part is cut and to be repaired.
     */
    void (*on_part_ended)(MnbRecorder *recorder, guint part, gboolean is_closed, gpointer data);
    /* @code: machine word of a failure ("disk-full", "recorder-failed" ...), else NULL. @detail:
     * sentence for staff, or NULL. */
    void (*on_state)(MnbRecorder *recorder, MnbRecorderState state, const char *code,
                     const char *detail, gpointer data);
    /* Something is missing and it goes on. @code: "recorder-restarted" (between this part and the
     * next), "ring-full" (@packets of them), "slow-disk" (nothing is lost yet),
     * "failed-sync" (a file cannot be relied on after a power cut). At most one of a
     * code in 5 s. */
    void (*on_hole)(MnbRecorder *recorder, const char *code, guint part, guint64 packets,
                    gpointer data);
    /* Each second: what is durable on disk, and what was lost, over all parts. */
    void (*on_written)(MnbRecorder *recorder, guint64 bytes, guint64 lost_packets,
                       guint64 gap_packets, gpointer data);
    /* The order to stop is done, or was given up after 8 s (the part is cut then). */
    void (*on_stopped)(MnbRecorder *recorder, gpointer data);
} MnbRecorderCalls;

typedef struct {
    const char *program;    /* absolute path of manabi-record */
    const char *dir;        /* the recording's folder, absolute; it exists */
    const char *recording;  /* id, for the log */
    guint first_part;       /* 1, or the next one when a recording goes on after a restart */
    guint32 ring_bytes;     /* power of two; 0: MNB_RING_DEFAULT_BYTES */
    const MnbWalls *walls;  /* borrowed, outlives it; NULL: runs without */
    MnbMediaWorker *worker; /* borrowed: of the session's room */
} MnbRecorderOptions;

/* Starts the first part. @calls: borrowed, static. Strings are copied.
 * Returns (owned), or NULL with @error: MNB_ERROR_MISSING (the program), MNB_ERROR_LIMIT,
 * MNB_ERROR_UNAVAILABLE. */
MnbRecorder *mnb_recorder_new(const MnbRecorderOptions *options, const MnbRecorderCalls *calls,
                              gpointer data, GError **error);

/* Kills at once if it still runs (the part is cut then). No callback comes after this. NULL is
 * fine. */
void mnb_recorder_free(MnbRecorder *recorder);

/* Tells the recorder, then the tap. A known id is a new track in its place (codec change).
 * Returns FALSE with @error (MNB_ERROR_INVALID) when it cannot be recorded at all. */
gboolean mnb_recorder_add_track(MnbRecorder *recorder, const MnbRecorderTrack *track,
                                GError **error);
void mnb_recorder_remove_track(MnbRecorder *recorder, guint32 track); /* unknown is fine */

/* The session's media live in @worker from now on (after `restarted`, or another one). All tracks
 * are forgotten: add them again with their new ids. The part goes on. */
void mnb_recorder_move(MnbRecorder *recorder, MnbMediaWorker *worker);

/* Finishes the files; on_stopped comes within 8 s. May be called once. */
void mnb_recorder_stop(MnbRecorder *recorder);

MnbRecorderState mnb_recorder_state(const MnbRecorder *recorder);
guint mnb_recorder_part(const MnbRecorder *recorder);
GPid mnb_recorder_pid(const MnbRecorder *recorder); /* 0 while it is down */
