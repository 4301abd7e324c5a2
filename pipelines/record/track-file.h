/* track-file.h - one Matroska file of one track, as it grows.
 *
 *     push() -> appsrc -> matroskamux -> filesink (unbuffered) -> page cache -> fdatasync
 *     ------------------- reader thread | muxer's thread ------------------- | keeper thread
 *
 * The thread that reads the ring only ever queues; a disk that stands still fills the queue up to
 * MNB_TRACK_FILE_QUEUE_BYTES and then costs packets, never the reader's time. Reference counted:
 * the reader and the keeper each hold one. */
#pragma once
#include <gst/gst.h>

#define MNB_TRACK_FILE_QUEUE_BYTES (16u << 20)

typedef enum {
    MNB_FILE_OPEN,
    MNB_FILE_FINISHING, /* end of stream was asked for */
    MNB_FILE_CLOSED,    /* complete and durable */
    MNB_FILE_BROKEN,    /* cut off: writing failed or the end did not come; wants repair */
    MNB_FILE_DOUBTFUL,  /* complete, but a sync failed: what is on disk is not known */
} MnbFileState;

typedef struct MnbTrackFile MnbTrackFile;

/* @path: must not exist. @caps: of the frames. Returns (owned): NULL with @error set. */
MnbTrackFile *mnb_track_file_new(const char *path, GstCaps *caps, GError **error);
MnbTrackFile *mnb_track_file_ref(MnbTrackFile *file);
void mnb_track_file_unref(MnbTrackFile *file); /* NULL is fine */

/* Reader. @frame (owned, taken): with a time stamp. Returns: FALSE when it was dropped because the
 * queue is full or writing failed; a video track then goes on at its next key frame. */
gboolean mnb_track_file_push(MnbTrackFile *file, GstBuffer *frame);

/* Reader. New caps of the same format, such as another VP8 picture size. */
void mnb_track_file_set_caps(MnbTrackFile *file, GstCaps *caps);

/* Reader. No more frames; the keeper closes the file. */
void mnb_track_file_finish(MnbTrackFile *file);

/* Keeper, every 100 ms or so. Looks at the muxer and closes the file when it is time; with
 * @wants_sync makes what was written durable. @now_us: monotonic. Returns: the state now. Blocks as
 * long as the disk does. */
MnbFileState mnb_track_file_keep(MnbTrackFile *file, gint64 now_us, gboolean wants_sync);

/* Any thread. */
MnbFileState mnb_track_file_state(MnbTrackFile *file);
guint64 mnb_track_file_durable_bytes(MnbTrackFile *file);
gboolean mnb_track_file_is_out_of_space(MnbTrackFile *file);
