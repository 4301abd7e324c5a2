/* main.c - manabi-ingest: brings one camera in the field into a room. docs/pipelines.md. */
#include "pipelines/common/program.h"
#include "pipelines/ingest/station.h"

#define BASE "gstreamer1.0-plugins-base"
#define GOOD "gstreamer1.0-plugins-good"
#define BAD  "gstreamer1.0-plugins-bad"
#define AV   "gstreamer1.0-libav"

static const MnbElementNeed needs[] = {
    {"fakesink", "coreelements", "libgstreamer1.0-0"},
    {"appsrc", "app", BASE},
    {"videotestsrc", "videotestsrc", BASE},
    {"videoconvertscale", "videoconvertscale", BASE},
    {"videorate", "videorate", BASE},
    {"audioconvert", "audioconvert", BASE},
    {"audioresample", "audioresample", BASE},
    {"opusenc", "opus", BASE},
    {"textoverlay", "pango", "gstreamer1.0-x"},
    {"vp8enc", "vpx", GOOD},
    {"rtpvp8pay", "rtp", GOOD},
    {"rtpbin", "rtpmanager", GOOD},
    {"rtspsrc", "rtsp", GOOD},
    {"tcpclientsrc", "tcp", BASE},
    {"udpsrc", "udp", GOOD},
    {"flvdemux", "flv", GOOD},
    {"jpegdec", "jpeg", GOOD},
    {"aacparse", "audioparsers", GOOD},
    {"alawdec", "alaw", GOOD},
    {"mulawdec", "mulaw", GOOD},
    {"srtsrc", "srt", BAD},
    {"rtmp2src", "rtmp2", BAD},
    {"tsdemux", "mpegtsdemux", BAD},
    {"h264parse", "videoparsersbad", BAD},
    {"avdec_h264", "libav", AV},
    {NULL},
};

int main(int argc, char **argv)
{
    MnbStationOptions options = {.ring_fd = -1, .event_fd = -1};
    const GOptionEntry entries[] = {
        {"ring-fd", 0, 0, G_OPTION_ARG_INT, &options.ring_fd, "The packet ring's memory", "FD"},
        {"event-fd", 0, 0, G_OPTION_ARG_INT, &options.event_fd, "The packet ring's bell", "FD"},
        {NULL},
    };
    const MnbProgramSpec spec = {
        .name = "manabi-ingest",
        .needs = needs,
        .has_network = TRUE,
        .data_bytes = 2ull << 30,
        .options = entries,
    };
    int exit_code;
    if (!mnb_program_begin(&spec, &argc, &argv, &exit_code))
        return exit_code;
    g_autoptr(GError) error = NULL;
    if (options.ring_fd < 0 || options.event_fd < 0) {
        g_set_error(&error, MNB_JOB_ERROR, MNB_JOB_BAD_JOB, "--ring-fd and --event-fd are needed");
        return mnb_program_fail(error);
    }
    return mnb_station_run(&options, &error) ? 0 : mnb_program_fail(error);
}
