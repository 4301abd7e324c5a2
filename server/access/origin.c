#include "server/access/origin.h"
#include <string.h>

static const char *const this_machine[] = {"127.0.0.1", "localhost", "::1"};

static gboolean is_this_machine(const char *host)
{
    for (guint i = 0; i < G_N_ELEMENTS(this_machine); i++)
        if (g_ascii_strcasecmp(host, this_machine[i]) == 0)
            return TRUE;
    return FALSE;
}

static int port_of(GUri *uri)
{
    int port = g_uri_get_port(uri);
    if (port > 0)
        return port;
    return strcmp(g_uri_get_scheme(uri), "https") == 0 ? 443 : 80;
}

gboolean mnb_origin_is_ours(const char *public_url, const char *origin)
{
    if (origin == NULL || strlen(origin) > 300)
        return FALSE;
    g_autoptr(GUri) ours = g_uri_parse(public_url, G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
    g_autoptr(GUri) theirs =
        g_uri_parse(origin, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
    if (ours == NULL || theirs == NULL || g_uri_get_host(theirs) == NULL)
        return FALSE;
    /* an origin is scheme, host and port and nothing else; the parser puts "/" as its path */
    if (g_uri_get_userinfo(theirs) != NULL || g_uri_get_query(theirs) != NULL ||
        g_uri_get_fragment(theirs) != NULL || g_str_has_suffix(origin, "/") ||
        strlen(g_uri_get_path(theirs)) > 1)
        return FALSE;
    if (strcmp(g_uri_get_scheme(ours), g_uri_get_scheme(theirs)) != 0 ||
        port_of(ours) != port_of(theirs))
        return FALSE;
    if (g_ascii_strcasecmp(g_uri_get_host(ours), g_uri_get_host(theirs)) == 0)
        return TRUE;
    return is_this_machine(g_uri_get_host(ours)) && is_this_machine(g_uri_get_host(theirs));
}
