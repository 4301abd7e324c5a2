/* main.c - manabi-stills: a poster for a film. docs/pipelines.md. */
#include "pipelines/stills/stills.h"

static const MnbElementNeed needs[] = {MNB_FILM_NEEDS, MNB_STILLS_NEEDS, {NULL}};
static const MnbElementNeed likes[] = {MNB_FILM_LIKES, {NULL}};

static json_t *run(MnbProgram *program, const json_t *job, GError **error)
{
    const char *input = NULL, *out = NULL;
    json_int_t at_us = 0;
    int width = 1280;
    MnbFilmInfo info;
    MnbStill still = {0};
    if (json_unpack((json_t *)job, "{s:s, s:s, s?I, s?i}", "input", &input, "out", &out, "at_us",
                    &at_us, "width", &width) != 0 ||
        at_us < 0 || width < 16 || width > 4096) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_BAD_JOB,
                    "job: a field is missing, of another type or out of range");
        return NULL;
    }
    if (!mnb_film_probe(program, input, &info, error))
        return NULL;
    if (!info.has_video) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_NOT_A_FILM, "there is no picture in it");
        return NULL;
    }
    if (!mnb_stills_make(program, input, &info, out, at_us, width, &still, error))
        return NULL;
    return json_pack("{s:s, s:s, s:I, s:i, s:i}", "event", "done", "out", out, "at_us",
                     (json_int_t)still.at_us, "width", still.width, "height", still.height);
}

int main(int argc, char **argv)
{
    const MnbProgramSpec spec = {
        .name = "manabi-stills",
        .needs = needs,
        .likes = likes,
        .is_background = TRUE,
        .data_bytes = 8ull << 30,
    };
    int exit_code;
    if (!mnb_program_begin(&spec, &argc, &argv, &exit_code))
        return exit_code;
    return mnb_program_run_job(run);
}
