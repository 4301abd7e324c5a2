#include "pipelines/common/job-error.h"

#include <errno.h>

G_DEFINE_QUARK(mnb_job_error, mnb_job_error)

static const char *const words[] = {
    [MNB_JOB_INTERNAL] = "internal",
    [MNB_JOB_BAD_JOB] = "bad-job",
    [MNB_JOB_MISSING_PLUGIN] = "missing-plugin",
    [MNB_JOB_NOT_A_FILM] = "not-a-film",
    [MNB_JOB_NO_TRACKS] = "no-tracks",
    [MNB_JOB_TOO_LARGE] = "too-large",
    [MNB_JOB_DAMAGED] = "damaged",
    [MNB_JOB_DISK_FULL] = "disk-full",
    [MNB_JOB_IO] = "io",
    [MNB_JOB_STALLED] = "stalled",
    [MNB_JOB_STOPPED] = "stopped",
};

const char *mnb_job_error_word(const GError *error)
{
    if (error == NULL || error->domain != MNB_JOB_ERROR || error->code < 0 ||
        (gsize)error->code >= G_N_ELEMENTS(words))
        return words[MNB_JOB_INTERNAL];
    return words[error->code];
}

gboolean mnb_job_error_set_errno(GError **error, int errnum, const char *what)
{
    gboolean is_full = errnum == ENOSPC || errnum == EDQUOT;
    g_set_error(error, MNB_JOB_ERROR, is_full ? MNB_JOB_DISK_FULL : MNB_JOB_IO, "%s: %s", what,
                g_strerror(errnum));
    return FALSE;
}

static MnbJobError code_of(const GError *posted)
{
    if (posted->domain == GST_RESOURCE_ERROR)
        return posted->code == GST_RESOURCE_ERROR_NO_SPACE_LEFT ? MNB_JOB_DISK_FULL : MNB_JOB_IO;
    if (posted->domain == GST_STREAM_ERROR)
        return MNB_JOB_DAMAGED;
    if (posted->domain == GST_CORE_ERROR && posted->code == GST_CORE_ERROR_MISSING_PLUGIN)
        return MNB_JOB_MISSING_PLUGIN;
    return MNB_JOB_INTERNAL;
}

void mnb_job_error_set_message(GError **error, GstMessage *message)
{
    g_autoptr(GError) posted = NULL;
    g_autofree char *debug = NULL;
    gst_message_parse_error(message, &posted, &debug);
    g_autofree char *source = GST_MESSAGE_SRC(message) != NULL
                                  ? gst_object_get_name(GST_OBJECT(GST_MESSAGE_SRC(message)))
                                  : g_strdup("pipeline");
    g_printerr("error from %s: %s (%s)\n", source, posted->message, debug != NULL ? debug : "-");
    g_set_error(error, MNB_JOB_ERROR, code_of(posted), "%s: %s", source, posted->message);
}
