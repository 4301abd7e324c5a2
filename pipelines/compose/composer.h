/* composer.h - the job of manabi-compose: tracks in, one film out (docs/pipelines.md). */
#pragma once
#include "pipelines/common/program.h"

/* An MnbJobRun. */
json_t *mnb_composer_run(MnbProgram *program, const json_t *job, GError **error);
