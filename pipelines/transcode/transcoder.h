/* transcoder.h - the job of manabi-transcode: one film in, a folder that can be published out
 * (docs/pipelines.md). */
#pragma once
#include "pipelines/common/program.h"

/* An MnbJobRun. */
json_t *mnb_transcoder_run(MnbProgram *program, const json_t *job, GError **error);
