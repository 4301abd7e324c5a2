#include "server/base/ids.h"
#include "server/http/router.h"
#include "server/http/routes.h"
#include <string.h>

static const MnbRoute table[] = {
    {"GET", "/a", .flags = MNB_ROUTE_ANYONE},
    {"GET", "/a/{id}", .flags = MNB_ROUTE_ANYONE},
    {"PATCH", "/a/{id}", .flags = MNB_ROUTE_CORS},
    {"POST", "/a/{id}/b/{other}"},
    {"GET", "/m/{id}/{path...}"},
};

static MnbRouteMatch match(const char *method, const char *path)
{
    MnbRouteMatch found;
    mnb_router_match(table, G_N_ELEMENTS(table), method, path, &found);
    return found;
}

static void test_finds(void)
{
    char id[MNB_ID_SIZE], other[MNB_ID_SIZE];
    mnb_id_make(id);
    mnb_id_make(other);
    g_assert_true(match("GET", "/a").route == &table[0]);
    g_assert_true(match("HEAD", "/a").route == &table[0]);
    g_autofree char *path = g_strdup_printf("/a/%s/b/%s", id, other);
    MnbRouteMatch found = match("POST", path);
    g_assert_true(found.route == &table[3]);
    g_assert_cmpstr(found.params[0], ==, id);
    g_assert_cmpstr(found.params[1], ==, other);
}

static void test_says_methods(void)
{
    char id[MNB_ID_SIZE];
    mnb_id_make(id);
    g_autofree char *path = g_strdup_printf("/a/%s", id);
    MnbRouteMatch found = match("DELETE", path);
    g_assert_null(found.route);
    g_assert_cmpstr(found.allow, ==, "GET, HEAD, PATCH");
    g_assert_cmpuint(found.flags, ==, MNB_ROUTE_ANYONE | MNB_ROUTE_CORS);
    g_assert_null(match("get", "/a").route);
}

static void test_takes_only_ids(void)
{
    const char *const wrong[] = {"",
                                 "a",
                                 "/",
                                 "//a",
                                 "/a/",
                                 "/a/short",
                                 "/A",
                                 "/%61",
                                 "/a/00000000000000000000000000/b",
                                 "/a/0000000000000000000000000O",
                                 "/a/0000000000000000000000000%30",
                                 "/a/..",
                                 "/a/00000000000000000000000000/"};
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_cmpstr(match("GET", wrong[i]).allow, ==, "");
}

static void test_takes_the_rest(void)
{
    char id[MNB_ID_SIZE];
    mnb_id_make(id);
    g_autofree char *path = g_strdup_printf("/m/%s/720p/index.m3u8", id);
    g_autofree char *nothing = g_strdup_printf("/m/%s/", id);
    g_assert_cmpstr(match("GET", path).rest, ==, "720p/index.m3u8");
    g_assert_null(match("GET", nothing).route);
}

static gboolean is_covered(const MnbRoute *route)
{
    return (route->flags & MNB_ROUTE_ANYONE) != 0 || route->needs != MNB_MAY_ATTEND;
}

static void test_every_route_is_thought_of(void)
{
    gsize n;
    const MnbRoute *routes = mnb_routes(&n);
    for (gsize i = 0; i < n; i++) {
        g_assert_nonnull(routes[i].run);
        g_assert_true(is_covered(&routes[i])); /* a permission that was left out is MAY_ATTEND */
        if (strcmp(routes[i].method, "GET") == 0)
            g_assert_cmpint(routes[i].body, ==, MNB_BODY_NONE);
        for (gsize k = 0; k < i; k++)
            g_assert_false(strcmp(routes[i].method, routes[k].method) == 0 &&
                           strcmp(routes[i].pattern, routes[k].pattern) == 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/router/finds-a-route-and-its-ids", test_finds);
    g_test_add_func("/http/router/says-which-methods-a-path-takes", test_says_methods);
    g_test_add_func("/http/router/takes-nothing-but-ids-for-ids", test_takes_only_ids);
    g_test_add_func("/http/router/hands-over-the-rest-of-a-path", test_takes_the_rest);
    g_test_add_func("/http/routes/each-has-a-handler-and-a-permission",
                    test_every_route_is_thought_of);
    return g_test_run();
}
