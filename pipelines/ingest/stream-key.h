/* stream-key.h - who may send: the stream key of an encoder, as SRT's stream id says it.
 *
 * The program knows only the SHA-256 of the key. Accepted are the key by itself, and SRT's access
 * control syntax ("#!::r=KEY,m=publish", the SRT project's access-control guidelines) with the key
 * as r (resource) or u (user name). Pure functions, any thread. */
#pragma once
#include <glib.h>

#define MNB_STREAM_KEY_MAX  64  /* characters of a key */
#define MNB_STREAM_ID_MAX   512 /* characters of a stream id; SRT's own limit */
#define MNB_STREAM_KEY_HASH 64  /* hex digits of a SHA-256 */

/* The key in @stream_id. Returns FALSE when there is none, or it is too long or not printable. */
gboolean mnb_stream_key_parse(const char *stream_id, char key[MNB_STREAM_KEY_MAX + 1]);

/* Whether @stream_id carries the key whose SHA-256 is @hash (64 lower case hex digits). Takes the
 * same time wherever the two differ. NULL is never right. */
gboolean mnb_stream_key_is(const char *stream_id, const char *hash);
