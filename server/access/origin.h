/* origin.h - is a page that calls us one of ours? (RFC 6454.) For HTTP and for the WebSocket.
 *
 * Ours is the origin of public_url, and when that names this machine itself (127.0.0.1, localhost,
 * [::1]) the other two names as well, with the same scheme and port. Any thread.
 */
#pragma once
#include <glib.h>

/* @public_url: "https://host:8443". @origin: the header as it came; NULL and "null" are not ours.
 */
gboolean mnb_origin_is_ours(const char *public_url, const char *origin);
