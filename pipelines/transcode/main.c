/* main.c - manabi-transcode: HLS ladder, downloads and poster of one film. docs/pipelines.md. */
#include "pipelines/stills/stills.h"
#include "pipelines/transcode/transcoder.h"

static const MnbElementNeed needs[] = {
    MNB_FILM_NEEDS,
    MNB_STILLS_NEEDS,
    {"filesink", "coreelements", "libgstreamer1.0-0"},
    {"videorate", "videorate", "gstreamer1.0-plugins-base"},
    {"audioconvert", "audioconvert", "gstreamer1.0-plugins-base"},
    {"audioresample", "audioresample", "gstreamer1.0-plugins-base"},
    {"audiorate", "audiorate", "gstreamer1.0-plugins-base"},
    {"volume", "volume", "gstreamer1.0-plugins-base"},
    {"x264enc", "x264", "gstreamer1.0-plugins-ugly"},
    {"avenc_aac", "libav", "gstreamer1.0-libav"},
    {"mp4mux", "isomp4", "gstreamer1.0-plugins-good"},
    {NULL},
};
static const MnbElementNeed likes[] = {MNB_FILM_LIKES, {NULL}};

int main(int argc, char **argv)
{
    const MnbProgramSpec spec = {
        .name = "manabi-transcode",
        .needs = needs,
        .likes = likes,
        .is_background = TRUE,
        .data_bytes = 8ull << 30,
    };
    int exit_code;
    if (!mnb_program_begin(&spec, &argc, &argv, &exit_code))
        return exit_code;
    return mnb_program_run_job(mnb_transcoder_run);
}
