/* film-writer.h - the composed film on its way into a file: pictures and sound in, Matroska out.
 *
 *     appsrc (I420) -> x264enc -> h264parse -+-> matroskamux -> filesink
 *     appsrc (F32)  -> audioconvert -> flacenc -+      (for each language)
 *
 * An intermediate for the transcoder: fast to make and close to the original, so ultrafast at
 * constant quality, and sound without loss. */
#pragma once
#include "pipelines/common/program.h"

#include <gst/video/video.h>

typedef struct MnbFilmWriter MnbFilmWriter;

/* @path: written over. @info: of the pictures. @languages: BCP 47 of each sound, "" where it is not
 * known; NULL: no sound. Samples of MNB_SOUND_RATE follow. Returns (owned): NULL with @error set.
 */
MnbFilmWriter *mnb_film_writer_new(const char *path, const GstVideoInfo *info,
                                   const GPtrArray *languages, GError **error);
void mnb_film_writer_free(MnbFilmWriter *writer); /* NULL is fine */

/* @buffer (owned, taken): with time stamp. Video blocks while the encoder is behind.
 * Returns: FALSE with @error set when writing has failed. */
gboolean mnb_film_writer_put_picture(MnbFilmWriter *writer, GstBuffer *buffer, GError **error);
gboolean mnb_film_writer_put_sound(MnbFilmWriter *writer, guint sound, GstBuffer *buffer,
                                   GError **error);

/* Waits until everything is in the file. */
gboolean mnb_film_writer_finish(MnbFilmWriter *writer, MnbProgram *program, GError **error);
