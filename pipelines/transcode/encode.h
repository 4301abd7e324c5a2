/* encode.h - one decode, all outputs: the pipeline of manabi-transcode.
 *
 *   picture -> videorate -> scale to the top rung -> tee -+-> queue -> x264enc -+-> mp4mux ->
 * 720p/stream.mp4 |                     +-> mp4mux -> video.mp4
 *                                                         +-> queue -> scale -> x264enc -> mp4mux
 * -> 360p/... sound -> convert -> audiorate -> tee -+-> queue -> avenc_aac -+-> mp4mux ->
 * audio/stream.mp4 |                       +-> mp4mux -> audio.m4a, video.mp4
 *                                         +-> queue -> mono -> avenc_aac -> mp4mux ->
 * audio-low/stream.mp4
 *
 * videorate and audiorate fill holes and begin at 0, so that picture and sound of separate files
 * start together and key frames fall on the same times in all rungs. */
#pragma once
#include "pipelines/transcode/ladder.h"
#include "pipelines/transcode/loudness.h"
#include "pipelines/transcode/thumbs.h"
#include "pipelines/transcode/waveform.h"
#include "recordings/film-edit.h"

typedef struct {
    gint64 duration_us;    /* of what was decoded */
    gboolean is_truncated; /* the film broke off */
    MnbThumbs *thumbs;     /* owned; NULL: no picture */
    MnbWaveform *waveform; /* owned: of the first sound; NULL: none */
} MnbEncodeResult;

void mnb_encode_result_clear(MnbEncodeResult *result);

/* Writes stream.mp4 of each rendition, video.mp4 and audio.m4a below @folder, which is empty.
 * The second sound has audio-2 and audio-low-2 in place of audio and audio-low. @edit: what is
 * kept. @loudness: factors for the sounds. @result_out: to be cleared in any case. Returns: FALSE
 * with
 * @error set. */
gboolean mnb_encode(MnbProgram *program, const char *path, const MnbFilmInfo *info,
                    const MnbLadder *ladder, const MnbFilmEdit *edit, const MnbLoudness *loudness,
                    const char *folder, MnbEncodeResult *result_out, GError **error);
