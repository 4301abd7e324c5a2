#include "server/http/http-resources.h"
#include "server/http/routes.h"
#include <gio/gio.h>
#include <jansson.h>
#include <string.h>

static json_t *load(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_resource_lookup_data(
        mnb_http_get_resource(), "/manabi/http/openapi.json", G_RESOURCE_LOOKUP_FLAGS_NONE, &error);
    g_assert_no_error(error);
    json_t *json = json_loadb(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                              JSON_REJECT_DUPLICATES, NULL);
    g_assert_nonnull(json);
    return json;
}

/* "/media/{recording}/{path...}" is "/media/{recording}/{path}" in OpenAPI. */
static char *described_path(const char *pattern)
{
    GString *text = g_string_new(pattern);
    g_string_replace(text, "...}", "}", 0);
    return g_string_free(text, FALSE);
}

static void test_every_route(void)
{
    json_t *json = load();
    json_t *paths = json_object_get(json, "paths");
    gsize n;
    const MnbRoute *routes = mnb_routes(&n);
    for (gsize i = 0; i < n; i++) {
        g_autofree char *path = described_path(routes[i].pattern);
        g_autofree char *method = g_ascii_strdown(routes[i].method, -1);
        json_t *operation = json_object_get(json_object_get(paths, path), method);
        if (operation == NULL)
            g_error("openapi.json does not describe %s %s", routes[i].method, path);
        gboolean has_body = json_object_get(operation, "requestBody") != NULL;
        gboolean wants_body = routes[i].body != MNB_BODY_NONE;
        if (has_body != wants_body)
            g_error("openapi.json is wrong about the body of %s %s", routes[i].method, path);
        gboolean is_open = (routes[i].flags & MNB_ROUTE_ANYONE) != 0;
        gboolean asks =
            json_array_size(json_object_get(operation, "security")) > 0 &&
            json_object_size(json_array_get(json_object_get(operation, "security"), 0)) > 0;
        /* These look for the link themselves: it is what they are about. */
        gboolean is_own = strcmp(path, "/api/v1/join") == 0 || strcmp(path, "/api/v1/feed") == 0 ||
                          strcmp(path, "/api/v1/line-check") == 0;
        if (is_open == asks && !is_own)
            g_error("openapi.json is wrong about who may %s %s", routes[i].method, path);
    }
    json_decref(json);
}

static gboolean is_route(const char *path, const char *method)
{
    gsize n;
    const MnbRoute *routes = mnb_routes(&n);
    for (gsize i = 0; i < n; i++) {
        g_autofree char *described = described_path(routes[i].pattern);
        if (strcmp(described, path) == 0 && g_ascii_strcasecmp(routes[i].method, method) == 0)
            return TRUE;
    }
    return FALSE;
}

static void test_nothing_else(void)
{
    json_t *json = load();
    const char *path, *method;
    json_t *item, *operation;
    json_object_foreach(json_object_get(json, "paths"), path, item)
    {
        json_object_foreach(item, method, operation)
        {
            if (strcmp(method, "parameters") != 0 && !is_route(path, method))
                g_error("openapi.json describes %s %s, which is not answered", method, path);
        }
    }
    json_decref(json);
}

/* Every "{name}" of a path has its parameter. */
static void test_parameters(void)
{
    json_t *json = load();
    const char *path;
    json_t *item;
    json_object_foreach(json_object_get(json, "paths"), path, item)
    {
        gsize n_wanted = 0;
        for (const char *p = path; *p != '\0'; p++)
            n_wanted += *p == '{';
        g_assert_cmpuint(json_array_size(json_object_get(item, "parameters")), ==, n_wanted);
    }
    json_decref(json);
}

/* Every "$ref" leads somewhere. */
static void check_references(json_t *root, json_t *at)
{
    const char *name;
    json_t *value;
    gsize i;
    json_array_foreach(at, i, value) check_references(root, value);
    json_object_foreach(at, name, value)
    {
        if (strcmp(name, "$ref") != 0) {
            check_references(root, value);
            continue;
        }
        g_auto(GStrv) steps = g_strsplit(json_string_value(value), "/", 0);
        json_t *found = root;
        g_assert_cmpstr(steps[0], ==, "#");
        for (guint k = 1; steps[k] != NULL; k++)
            found = json_object_get(found, steps[k]);
        if (found == NULL)
            g_error("openapi.json: %s leads nowhere", json_string_value(value));
    }
}

static void test_references(void)
{
    json_t *json = load();
    check_references(json, json);
    json_decref(json);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/openapi/describes-every-route", test_every_route);
    g_test_add_func("/http/openapi/describes-nothing-else", test_nothing_else);
    g_test_add_func("/http/openapi/names-every-parameter", test_parameters);
    g_test_add_func("/http/openapi/has-no-dangling-reference", test_references);
    return g_test_run();
}
