/* media-path.h - which file of a recording an address means, and how it is sent.
 *
 *     /media/{recording}/720p/seg-00001.m4s  ->  STATE/recordings/<folder>/media/720p/seg-00001.m4s
 *
 * Parses what strangers wrote. Any thread.
 */
#pragma once
#include <glib.h>

#define MNB_MEDIA_PATH_MAX 200 /* bytes after decoding */

/* @rest: what follows the recording's id, as on the wire (escaped). Decoded once, then it must be
 * one to four steps of letters, digits, '-', '_' and '.', none beginning with a dot, ending in a
 * kind of file that recordings have.
 * Returns (owned): the path below the media folder; NULL for anything else. */
char *mnb_media_path_decode(const char *rest);

/* Of a path that decode() gave. Returns (static). */
const char *mnb_media_path_type(const char *path);
/* A piece of a stream (it lies in a rendition's folder); lists, pictures and downloads are not. */
gboolean mnb_media_path_is_segment(const char *path);

/* Content-Disposition (RFC 6266, RFC 8187) that saves under @title with the ending of @path:
 * attachment; filename="video.mp4"; filename*=UTF-8''%E9%98%B2... Returns (owned). */
char *mnb_media_path_disposition(const char *title, const char *path);
