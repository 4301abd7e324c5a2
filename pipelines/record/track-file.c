#include "pipelines/record/track-file.h"

#include "pipelines/common/job-error.h"
#include "pipelines/common/program.h"

#include <errno.h>
#include <fcntl.h>
#include <gst/app/app.h>
#include <sys/stat.h>
#include <unistd.h>

#define FINISH_DEADLINE_US (5 * G_USEC_PER_SEC)

struct MnbTrackFile {
    gint n_refs;
    GstElement *pipeline, *source;
    GstBus *bus;
    int fd;                /* of the same file, for fdatasync */
    gint state;            /* atomic, MnbFileState */
    gint is_finishing;     /* atomic: set by the reader */
    gint is_full;          /* atomic: writing failed for want of space */
    guint64 durable_bytes; /* atomic */
    struct {
        gint64 finishing_us;
        gboolean has_failed_sync;
    } keeper;
};

static gboolean build(MnbTrackFile *file, const char *path, GstCaps *caps, GError **error)
{
    file->pipeline = gst_pipeline_new(NULL);
    file->source = mnb_element_make("appsrc", NULL, error);
    GstElement *muxer = file->source != NULL ? mnb_element_make("matroskamux", NULL, error) : NULL;
    GstElement *sink = muxer != NULL ? mnb_element_make("filesink", NULL, error) : NULL;
    if (sink == NULL)
        return FALSE;
    g_object_set(file->source, "is-live", TRUE, "format", GST_FORMAT_TIME, "caps", caps,
                 "max-bytes", (guint64)0, "max-buffers", (guint64)0, "max-time", (guint64)0, NULL);
    g_object_set(muxer, "writing-app", "manabi", NULL);
    /* Unbuffered: what the muxer has made is in the page cache, and survives kill -9. */
    g_object_set(sink, "location", path, "buffer-mode", 2, "async", FALSE, "sync", FALSE, NULL);
    gst_bin_add_many(GST_BIN(file->pipeline), file->source, muxer, sink, NULL);
    gboolean is_audio =
        g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps, 0)), "audio/");
    const char *pad = is_audio ? "audio_%u" : "video_%u"; /* by itself it takes the wrong one */
    if (!gst_element_link_pads(file->source, "src", muxer, pad) || !gst_element_link(muxer, sink)) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_INTERNAL, "matroskamux does not take the track");
        return FALSE;
    }
    file->bus = gst_element_get_bus(file->pipeline);
    return TRUE;
}

MnbTrackFile *mnb_track_file_new(const char *path, GstCaps *caps, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0) {
        mnb_job_error_set_errno(error, errno, path);
        return NULL;
    }
    MnbTrackFile *file = g_new0(MnbTrackFile, 1);
    file->n_refs = 1;
    file->fd = fd;
    if (!build(file, path, caps, error)) {
        mnb_track_file_unref(file);
        return NULL;
    }
    if (gst_element_set_state(file->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_IO, "%s cannot be written", path);
        mnb_track_file_unref(file);
        return NULL;
    }
    return file;
}

MnbTrackFile *mnb_track_file_ref(MnbTrackFile *file)
{
    g_atomic_int_inc(&file->n_refs);
    return file;
}

void mnb_track_file_unref(MnbTrackFile *file)
{
    if (file == NULL || !g_atomic_int_dec_and_test(&file->n_refs))
        return;
    if (file->pipeline != NULL)
        gst_element_set_state(file->pipeline, GST_STATE_NULL);
    gst_clear_object(&file->bus);
    gst_clear_object(&file->pipeline);
    close(file->fd);
    g_free(file);
}

gboolean mnb_track_file_push(MnbTrackFile *file, GstBuffer *frame)
{
    GstAppSrc *source = GST_APP_SRC(file->source);
    if (mnb_track_file_state(file) != MNB_FILE_OPEN ||
        gst_app_src_get_current_level_bytes(source) > MNB_TRACK_FILE_QUEUE_BYTES) {
        gst_buffer_unref(frame);
        return FALSE;
    }
    return gst_app_src_push_buffer(source, frame) == GST_FLOW_OK;
}

void mnb_track_file_set_caps(MnbTrackFile *file, GstCaps *caps)
{
    gst_app_src_set_caps(GST_APP_SRC(file->source), caps);
}

void mnb_track_file_finish(MnbTrackFile *file)
{
    if (g_atomic_int_compare_and_exchange(&file->is_finishing, 0, 1))
        gst_app_src_end_of_stream(GST_APP_SRC(file->source));
}

static void sync_file(MnbTrackFile *file)
{
    struct stat info;
    if (fstat(file->fd, &info) != 0)
        return;
    /* After a failed sync the kernel calls the pages clean: a later success proves nothing. */
    if (fdatasync(file->fd) != 0) {
        mnb_lines_warn("failed-sync", "fdatasync: %s", g_strerror(errno));
        file->keeper.has_failed_sync = TRUE;
        if (errno == ENOSPC || errno == EDQUOT)
            g_atomic_int_set(&file->is_full, 1);
    }
    if (!file->keeper.has_failed_sync)
        __atomic_store_n(&file->durable_bytes, (guint64)info.st_size, __ATOMIC_RELAXED);
}

static MnbFileState close_file(MnbTrackFile *file, MnbFileState state)
{
    gst_element_set_state(file->pipeline, GST_STATE_NULL);
    sync_file(file);
    if (state == MNB_FILE_CLOSED && file->keeper.has_failed_sync)
        state = MNB_FILE_DOUBTFUL;
    g_atomic_int_set(&file->state, (gint)state);
    return state;
}

/* Returns: what the muxer's messages make of the state. */
static MnbFileState look_at_bus(MnbTrackFile *file)
{
    MnbFileState state = mnb_track_file_state(file);
    for (;;) {
        g_autoptr(GstMessage) message = gst_bus_pop_filtered(
            file->bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_EOS);
        if (message == NULL)
            return state;
        g_autoptr(GError) error = NULL;
        switch (GST_MESSAGE_TYPE(message)) {
        case GST_MESSAGE_EOS:
            return MNB_FILE_CLOSED;
        case GST_MESSAGE_ERROR:
            mnb_job_error_set_message(&error, message);
            mnb_lines_warn("track-file", "%s", error->message);
            if (g_error_matches(error, MNB_JOB_ERROR, MNB_JOB_DISK_FULL))
                g_atomic_int_set(&file->is_full, 1);
            return MNB_FILE_BROKEN;
        default:
            gst_message_parse_warning(message, &error, NULL);
            mnb_lines_warn("track-file", "%s", error->message);
        }
    }
}

MnbFileState mnb_track_file_keep(MnbTrackFile *file, gint64 now_us, gboolean wants_sync)
{
    MnbFileState state = mnb_track_file_state(file);
    if (state != MNB_FILE_OPEN && state != MNB_FILE_FINISHING)
        return state;
    MnbFileState seen = look_at_bus(file);
    if (seen == MNB_FILE_CLOSED || seen == MNB_FILE_BROKEN)
        return close_file(file, seen);
    if (g_atomic_int_get(&file->is_finishing) && state == MNB_FILE_OPEN) {
        state = MNB_FILE_FINISHING;
        file->keeper.finishing_us = now_us;
        g_atomic_int_set(&file->state, (gint)state);
    }
    if (state == MNB_FILE_FINISHING && now_us - file->keeper.finishing_us > FINISH_DEADLINE_US)
        return close_file(file, MNB_FILE_BROKEN);
    if (state == MNB_FILE_OPEN && wants_sync)
        sync_file(file);
    return state;
}

MnbFileState mnb_track_file_state(MnbTrackFile *file)
{
    return (MnbFileState)g_atomic_int_get(&file->state);
}

guint64 mnb_track_file_durable_bytes(MnbTrackFile *file)
{
    return __atomic_load_n(&file->durable_bytes, __ATOMIC_RELAXED);
}

gboolean mnb_track_file_is_out_of_space(MnbTrackFile *file)
{
    return g_atomic_int_get(&file->is_full) != 0;
}
