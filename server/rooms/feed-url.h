/* feed-url.h - which cameras we may call: an address that staff typed must not open the inside of a
 * network to them.
 *
 * The host is an address, not a name: what is checked is what is called. Public addresses are
 * allowed; loopback, link-local, private, multicast and unspecified ones only when they lie in a
 * network that the operator named. Pure, any thread. */
#pragma once
#include <glib.h>

/* "10.0.0.0/8". FALSE with @error (MNB_ERROR_INVALID). */
gboolean mnb_feed_network_check(const char *network, GError **error);

/* @url: rtsp://[user:password@]ADDRESS[:port][/path]. @networks: NULL-terminated, checked; NULL:
 * none. FALSE with @error: MNB_ERROR_INVALID (not such a URL), MNB_ERROR_DENIED. */
gboolean mnb_feed_url_check(const char *url, const char *const *networks, GError **error);
