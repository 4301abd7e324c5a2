/* main.c - manabi-record: writes the tracks of one room to files. docs/pipelines.md. */
#include "pipelines/common/program.h"
#include "pipelines/record/recorder.h"
#include "pipelines/record/repair.h"

static const MnbElementNeed needs[] = {
    {"filesink", "coreelements", "libgstreamer1.0-0"},
    {"appsrc", "app", "gstreamer1.0-plugins-base"},
    {"rtpopusdepay", "rtp", "gstreamer1.0-plugins-good"},
    {"rtpvp8depay", "rtp", "gstreamer1.0-plugins-good"},
    {"rtpvp9depay", "rtp", "gstreamer1.0-plugins-good"},
    {"rtph264depay", "rtp", "gstreamer1.0-plugins-good"},
    {"h264parse", "videoparsersbad", "gstreamer1.0-plugins-bad"},
    {"matroskamux", "matroska", "gstreamer1.0-plugins-good"},
    {NULL},
};

static int repair(const char *dir, char **forget)
{
    g_autoptr(GError) error = NULL;
    const MnbRepairPlan plan = {.forget = (const char *const *)forget};
    if (!mnb_repair_dir(dir, &plan, &error))
        return mnb_program_fail(error);
    mnb_lines_emit(json_pack("{s:s}", "event", "done"));
    return 0;
}

static int record(const MnbRecorderOptions *options)
{
    g_autoptr(GError) error = NULL;
    if (options->ring_fd < 0 || options->event_fd < 0 || options->part < 1) {
        g_set_error(&error, MNB_JOB_ERROR, MNB_JOB_BAD_JOB,
                    "--ring-fd, --event-fd and --part are needed");
        return mnb_program_fail(error);
    }
    return mnb_recorder_run(options, &error) ? 0 : mnb_program_fail(error);
}

int main(int argc, char **argv)
{
    MnbRecorderOptions options = {.ring_fd = -1, .event_fd = -1};
    g_autofree char *dir = NULL;
    gboolean is_repair = FALSE;
    g_auto(GStrv) forget = NULL;
    const GOptionEntry entries[] = {
        {"ring-fd", 0, 0, G_OPTION_ARG_INT, &options.ring_fd, "The packet ring's memory", "FD"},
        {"event-fd", 0, 0, G_OPTION_ARG_INT, &options.event_fd, "The packet ring's bell", "FD"},
        {"dir", 0, 0, G_OPTION_ARG_FILENAME, &dir, "Folder of the recording", "DIR"},
        {"part", 0, 0, G_OPTION_ARG_INT, &options.part, "Number of this part", "P"},
        {"repair", 0, 0, G_OPTION_ARG_NONE, &is_repair, "Repair parts that were cut off", NULL},
        {"forget", 0, 0, G_OPTION_ARG_STRING_ARRAY, &forget,
         "With --repair: remove what was recorded of this peer, who does not agree", "PEER"},
        {NULL},
    };
    const MnbProgramSpec spec = {
        .name = "manabi-record",
        .needs = needs,
        .data_bytes = 4ull << 30,
        .options = entries,
    };
    int exit_code;
    if (!mnb_program_begin(&spec, &argc, &argv, &exit_code))
        return exit_code;
    g_autoptr(GError) error = NULL;
    if (dir == NULL) {
        g_set_error(&error, MNB_JOB_ERROR, MNB_JOB_BAD_JOB, "--dir is needed");
        return mnb_program_fail(error);
    }
    options.dir = dir;
    return is_repair ? repair(dir, forget) : record(&options);
}
