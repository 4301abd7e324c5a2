/* main.c - manabi-compose: one film from the tracks of a recording. docs/pipelines.md. */
#include "pipelines/compose/composer.h"

static const MnbElementNeed needs[] = {
    {"filesrc", "coreelements", "libgstreamer1.0-0"},
    {"appsrc", "app", "gstreamer1.0-plugins-base"},
    {"matroskademux", "matroska", "gstreamer1.0-plugins-good"},
    {"vp8dec", "vpx", "gstreamer1.0-plugins-good"},
    {"vp9dec", "vpx", "gstreamer1.0-plugins-good"},
    {"h264parse", "videoparsersbad", "gstreamer1.0-plugins-bad"},
    {"avdec_h264", "libav", "gstreamer1.0-libav"},
    {"opusdec", "opus", "gstreamer1.0-plugins-base"},
    {"videoconvertscale", "videoconvertscale", "gstreamer1.0-plugins-base"},
    {"audioconvert", "audioconvert", "gstreamer1.0-plugins-base"},
    {"audioresample", "audioresample", "gstreamer1.0-plugins-base"},
    {"jpegdec", "jpeg", "gstreamer1.0-plugins-good"},
    {"textoverlay", "pango", "gstreamer1.0-x"},
    {"x264enc", "x264", "gstreamer1.0-plugins-ugly"},
    {"taginject", "debug", "gstreamer1.0-plugins-good"},
    {"flacenc", "flac", "gstreamer1.0-plugins-good"},
    {NULL},
};

int main(int argc, char **argv)
{
    const MnbProgramSpec spec = {
        .name = "manabi-compose",
        .needs = needs,
        .is_background = TRUE,
        .data_bytes = 8ull << 30,
    };
    int exit_code;
    if (!mnb_program_begin(&spec, &argc, &argv, &exit_code))
        return exit_code;
    return mnb_program_run_job(mnb_composer_run);
}
