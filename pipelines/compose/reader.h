/* reader.h - one track file, decoded: frames or sound in the order of time.
 *
 *     filesrc -> matroskademux -> (parser) -> decoder -> convert, scale -> caps -> appsink
 *
 * Decodes ahead in its own thread, a few buffers. The files came from participants, so a file
 * that breaks off or cannot be decoded ends early with a warning and is no error of the film. */
#pragma once
#include <gst/gst.h>

typedef struct MnbReader MnbReader;

/* @codec: as in part-<P>.json. @caps: what is wanted, raw video or audio.
 * Returns (owned): NULL with @error set when elements are missing or the codec is not known. */
MnbReader *mnb_reader_new(const char *path, const char *codec, GstCaps *caps, GError **error);
void mnb_reader_free(MnbReader *reader); /* NULL is fine */

/* Waits for the next buffer. Returns (owned): NULL at the end. */
GstSample *mnb_reader_pull(MnbReader *reader);

/* Other caps from some frame on; the few that are decoded already still have the old ones. */
void mnb_reader_set_caps(MnbReader *reader, GstCaps *caps);
