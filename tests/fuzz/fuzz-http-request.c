/* What a stranger writes into the first line and the headers: media paths, cookies, origins, bearer
 * tokens, addresses. The input is one of them. */
#include "server/access/origin.h"
#include "server/access/rate.h"
#include "server/http/asker.h"
#include "server/http/media-path.h"
#include "server/http/router.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const MnbRoute routes[] = {
    {"GET", "/api/v1/events/{event}/links"},
    {"POST", "/whep/{session}/{peer}"},
    {"GET", "/media/{recording}/{path...}"},
};

static void check_media_path(const char *text)
{
    g_autofree char *path = mnb_media_path_decode(text);
    if (path == NULL)
        return;
    if (path[0] == '/' || path[0] == '.' || strstr(path, "/.") != NULL ||
        strstr(path, "//") != NULL || strpbrk(path, "\\\"%\r\n ") != NULL)
        g_error("a path that leads out: %s", path);
    g_autofree char *disposition = mnb_media_path_disposition(text, path);
    if (strpbrk(disposition, "\r\n") != NULL || !g_str_is_ascii(disposition))
        g_error("a header that is none");
}

static void check_route(const char *text)
{
    MnbRouteMatch match;
    mnb_router_match(routes, G_N_ELEMENTS(routes), "GET", text, &match);
    if (match.route != NULL && strlen(match.params[0]) != 26)
        g_error("a parameter that is no id");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 20000)
        return 0;
    g_autofree char *text = g_strndup((const char *)data, size);
    check_media_path(text);
    check_route(text);
    g_free(mnb_rate_address_key(text));
    g_free(mnb_asker_cookie(text, MNB_COOKIE_NAME));
    g_free(mnb_asker_bearer(text));
    if (mnb_origin_is_ours("https://learn.example.org", text) &&
        g_ascii_strncasecmp(text, "https://learn.example.org", 25) != 0)
        g_error("a foreign origin was taken: %s", text);
    return 0;
}
