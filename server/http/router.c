#include "server/http/router.h"
#include "server/base/ids.h"
#include <string.h>

static const char *step_end(const char *text)
{
    const char *slash = strchr(text, '/');
    return slash != NULL ? slash : text + strlen(text);
}

/* One step of path and pattern at a time, both after their slash. */
static gboolean match_pattern(const char *pattern, const char *path, MnbRouteMatch *match)
{
    guint n_params = 0;
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        const char *pattern_end = step_end(pattern);
        const char *path_end = step_end(path);
        gsize len = (gsize)(path_end - path);
        if (pattern_end - pattern > 5 && memcmp(pattern_end - 4, "...}", 4) == 0) {
            match->rest = path;
            return *path != '\0';
        }
        if (*pattern == '{') {
            if (len != MNB_ID_CHARS || n_params == MNB_ROUTE_PARAMS_MAX)
                return FALSE;
            memcpy(match->params[n_params], path, len);
            match->params[n_params][len] = '\0';
            if (!mnb_id_is_valid(match->params[n_params]))
                return FALSE;
            n_params++;
        } else if (len != (gsize)(pattern_end - pattern) || memcmp(pattern, path, len) != 0) {
            return FALSE;
        }
        pattern = pattern_end;
        path = path_end;
    }
    return *pattern == '\0' && *path == '\0';
}

static gboolean fits_method(const MnbRoute *route, const char *method)
{
    if (strcmp(route->method, method) == 0)
        return TRUE;
    return strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0;
}

static void add_allow(MnbRouteMatch *match, const char *method)
{
    if (match->allow[0] != '\0')
        g_strlcat(match->allow, ", ", sizeof match->allow);
    g_strlcat(match->allow, method, sizeof match->allow);
    if (strcmp(method, "GET") == 0)
        g_strlcat(match->allow, ", HEAD", sizeof match->allow);
}

void mnb_router_match(const MnbRoute *routes, gsize n, const char *method, const char *path,
                      MnbRouteMatch *match_out)
{
    MnbRouteMatch found = {0};
    for (gsize i = 0; i < n; i++) {
        MnbRouteMatch match = {0};
        if (!match_pattern(routes[i].pattern, path, &match))
            continue;
        add_allow(&found, routes[i].method);
        found.flags |= routes[i].flags;
        if (found.route == NULL && fits_method(&routes[i], method)) {
            found.route = &routes[i];
            memcpy(found.params, match.params, sizeof found.params);
            found.rest = match.rest;
        }
    }
    *match_out = found;
}
