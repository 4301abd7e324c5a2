#include "server/rooms/feed-url.h"

#include <gio/gio.h>
#include <string.h>

#include "recordings/feed.h"
#include "server/base/error.h"

gboolean mnb_feed_network_check(const char *network, GError **error)
{
    g_autoptr(GInetAddressMask) mask = g_inet_address_mask_new_from_string(network, NULL);
    if (mask != NULL)
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                "[ingest] camera_networks: %s is not a network such as 192.168.10.0/24", network);
    return FALSE;
}

static gboolean is_inside(GInetAddress *address)
{
    return g_inet_address_get_is_any(address) || g_inet_address_get_is_loopback(address) ||
           g_inet_address_get_is_link_local(address) || g_inet_address_get_is_site_local(address) ||
           g_inet_address_get_is_multicast(address);
}

/* An IPv4 address in the clothes of IPv6, unique local addresses, and what GLib does not know as
 * private: 0/8, 100.64/10 (RFC 6598), 192.0.0/24, 198.18/15, 240/4. */
static gboolean is_special(GInetAddress *address)
{
    static const char *const networks[] = {
        "0.0.0.0/8",     "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4",
        "::ffff:0:0/96", "fc00::/7",      "64:ff9b::/96", "2002::/16",     "::/96"};
    for (guint i = 0; i < G_N_ELEMENTS(networks); i++) {
        g_autoptr(GInetAddressMask) mask = g_inet_address_mask_new_from_string(networks[i], NULL);
        if (g_inet_address_mask_matches(mask, address))
            return TRUE;
    }
    return FALSE;
}

static gboolean is_named(GInetAddress *address, const char *const *networks)
{
    for (; networks != NULL && *networks != NULL; networks++) {
        g_autoptr(GInetAddressMask) mask = g_inet_address_mask_new_from_string(*networks, NULL);
        if (mask != NULL && g_inet_address_mask_matches(mask, address))
            return TRUE;
    }
    return FALSE;
}

gboolean mnb_feed_url_check(const char *url, const char *const *networks, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    g_autoptr(GUri) uri =
        strlen(url) <= MNB_FEED_URL_MAX
            ? g_uri_parse(url, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED, &wrong)
            : NULL;
    const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;
    g_autoptr(GInetAddress) address = host != NULL ? g_inet_address_new_from_string(host) : NULL;
    if (address == NULL || strcmp(g_uri_get_scheme(uri), "rtsp") != 0 ||
        g_uri_get_fragment(uri) != NULL) {
        g_set_error_literal(error, MNB_ERROR, MNB_ERROR_INVALID,
                            "the address of a camera is rtsp://ADDRESS/path, its host a number");
        return FALSE;
    }
    if ((!is_inside(address) && !is_special(address)) || is_named(address, networks))
        return TRUE;
    g_set_error_literal(error, MNB_ERROR, MNB_ERROR_DENIED,
                        "that address is inside of a network; an administrator can allow it "
                        "([ingest] camera_networks)");
    return FALSE;
}
