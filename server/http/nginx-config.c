#include "server/http/nginx-config.h"
#include "server/base/error.h"
#include "server/http/http-resources.h"
#include "server/http/problem.h"
#include <gio/gio.h>
#include <string.h>

/* What nginx itself may answer, in the words of the API. */
static const struct {
    guint status;
    const char *code;
    const char *detail;
} problems[] = {
    {400, "bad-request", "the request is not right HTTP"},
    {404, "not-found",
     "there is nothing here, or it is not open to you; check the address or sign in"},
    {405, "method-not-allowed", "this address does not take this method"},
    {413, "too-large", "the body is larger than 65536 bytes"},
    {414, "too-large", "the address is too long"},
    {416, "bad-range", "the file does not have these bytes"},
    {429, "too-many", "too many connections from this address at once"},
    {431, "too-large", "the headers are too long"},
    {500, "server-error", "the server failed to do this and has noted why"},
    {503, "unavailable", "the server is starting or busy; try again in a moment"},
};

/* Pages come from the API, which knows what they say; while it is away, the bare client. */
static const char with_client[] =
    "        root \"@WEB@\";\n"
    "        location ~ \"^/(?:(?:watch|events|embed)/[0-9a-z]{26})?$\" {\n"
    "            error_page 502 504 =503 /index.html;\n"
    "            proxy_pass \"http://unix:@STATE@/run/api.sock\";\n"
    "        }\n"
    "        location ~ ^/(?:feed\\.xml|sitemap\\.xml|robots\\.txt|oembed)$ {\n"
    "            proxy_pass \"http://unix:@STATE@/run/api.sock\";\n"
    "        }\n"
    "        location / {\n"
    "            try_files $uri /index.html;\n"
    "            gzip_static on;\n"
    "            charset utf-8;\n"
    "            charset_types text/css text/javascript text/plain application/json;\n"
    "        }\n"
    "        location ^~ /assets/ {\n"
    "            try_files $uri =404;\n"
    "            gzip_static on;\n"
    "            charset utf-8;\n"
    "            charset_types text/css text/javascript application/json;\n"
    "        }\n"
    "        location ~ /\\. {\n"
    "            return 404;\n"
    "        }\n";

static const char without_client[] =
    "        location / {\n"
    "            default_type text/plain;\n"
    "            return 503 \"The web client is not built. Build it (script/server does), then "
    "start again.\\n\";\n"
    "        }\n";

static const char with_tls[] =
    "        ssl_certificate \"@CERTIFICATE@\";\n"
    "        ssl_certificate_key \"@KEY@\";\n"
    "        ssl_protocols TLSv1.2 TLSv1.3;\n"
    "        ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305;\n"
    "        ssl_prefer_server_ciphers off;\n"
    "        ssl_session_cache shared:manabi:4m;\n"
    "        ssl_session_timeout 1h;\n"
    "        ssl_session_tickets off;\n"
    "        error_page 497 =301 https://$host:$server_port$request_uri;\n";

/* The port is looked at before anything else: a TLS hello goes on to the http block, by a socket of
 * ours and with the peer's address in front; all else is ICE-TCP. */
static const char with_stream[] =
    "stream {\n"
    "    map $ssl_preread_protocol $manabi_upstream {\n"
    "        default \"unix:@STATE@/nginx/https.sock\";\n"
    "        \"\" \"unix:@MEDIA@\";\n"
    "    }\n"
    "    limit_conn_zone $binary_remote_addr zone=by_address_stream:10m;\n"
    "    limit_conn by_address_stream 1024;\n"
    "    server {\n"
    "        listen @PUBLIC@;\n"
    "        ssl_preread on;\n"
    "        preread_timeout 10s;\n"
    "        tcp_nodelay on;\n"
    "        proxy_protocol on;\n"
    "        proxy_connect_timeout 5s;\n"
    "        proxy_timeout 130s;\n"
    "        proxy_pass $manabi_upstream;\n"
    "    }\n"
    "}\n";

static const char with_proxy_protocol[] = "        set_real_ip_from unix:;\n"
                                          "        real_ip_header proxy_protocol;\n";

static const char hsts[] =
    "        add_header Strict-Transport-Security \"max-age=31536000\" always;\n";

static gboolean check_path(const char *what, const char *path, GError **error)
{
    if (path == NULL || (path[0] == '/' && strpbrk(path, "\"\\$:\n\r;{}") == NULL))
        return TRUE;
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                "%s must be an absolute path without the characters \" \\ $ : ; { }: %s", what,
                path);
    return FALSE;
}

/* Returns (owned): what follows "listen". */
static char *listen_value(const MnbNginxConfig *config, GError **error)
{
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(config->address);
    if (address == NULL) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "%s is not a numeric IP address to listen on", config->address);
        return NULL;
    }
    gboolean is_v6 = g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV6;
    gboolean is_any = g_inet_address_get_is_any(address);
    g_autofree char *text = g_inet_address_to_string(address);
    return g_strdup_printf(
        "%s%s%s:%u%s backlog=4096%s%s", is_v6 ? "[" : "", text, is_v6 ? "]" : "", config->port,
        config->stream_module != NULL ? "" : " default_server",
        is_v6 && is_any ? " ipv6only=off" : "",
        config->tls_certificate != NULL && config->stream_module == NULL ? " ssl http2" : "");
}

static char *problem_locations(void)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(problems); i++) {
        g_autoptr(MnbProblem) problem =
            mnb_problem_new(problems[i].status, problems[i].code, "%s", problems[i].detail);
        g_autofree char *json = mnb_problem_to_json(problem);
        g_string_append_printf(text,
                               "        location = /-/problem/%u {\n"
                               "            internal;\n"
                               "            default_type application/problem+json;\n"
                               "            return 200 '%s';\n"
                               "        }\n",
                               problems[i].status, json);
    }
    return g_string_free(text, FALSE);
}

static char *fill(const char *template, const char *const *names_and_values)
{
    GString *text = g_string_new(template);
    for (guint i = 0; names_and_values[i] != NULL; i += 2)
        g_string_replace(text, names_and_values[i],
                         names_and_values[i + 1] != NULL ? names_and_values[i + 1] : "", 0);
    return g_string_free(text, FALSE);
}

char *mnb_nginx_config(const MnbNginxConfig *config, GError **error)
{
    if (!check_path("the state directory", config->state_dir, error) ||
        !check_path("the web client's folder", config->web_client_dir, error) ||
        !check_path("the TLS certificate", config->tls_certificate, error) ||
        !check_path("the TLS key", config->tls_key, error) ||
        !check_path("the stream module", config->stream_module, error) ||
        !check_path("the media socket", config->media_socket, error))
        return NULL;
    g_autofree char *listen_on = listen_value(config, error);
    g_autoptr(GBytes) template =
        listen_on != NULL
            ? g_resource_lookup_data(mnb_http_get_resource(), "/manabi/http/nginx.conf.in",
                                     G_RESOURCE_LOOKUP_FLAGS_NONE, error)
            : NULL;
    if (template == NULL)
        return NULL;
    g_autofree char *text = g_strndup(g_bytes_get_data(template, NULL), g_bytes_get_size(template));
    gboolean has_tls = config->tls_certificate != NULL;
    g_autofree char *workers = g_strdup_printf("%u", config->workers);
    g_autofree char *connections = g_strdup_printf("%u", config->connections);
    g_autofree char *files = g_strdup_printf("%u", 2 * config->connections + 64);
    g_autofree char *user =
        config->user != NULL ? g_strdup_printf("user %s;", config->user) : g_strdup("");
    g_autofree char *locations = problem_locations();
    gboolean has_stream = config->stream_module != NULL;
    g_autofree char *load =
        has_stream ? g_strdup_printf("load_module \"%s\";", config->stream_module) : g_strdup("");
    g_autofree char *inner = g_strdup_printf(
        "\"unix:%s/nginx/https.sock\" default_server ssl http2 proxy_protocol backlog=4096",
        config->state_dir);
    /* Blocks first: they hold names of their own. */
    const char *const values[] = {"@LOAD@",
                                  load,
                                  "@STREAM@",
                                  has_stream ? with_stream : "",
                                  "@PROXIED@",
                                  has_stream ? with_proxy_protocol : "",
                                  "@PUBLIC@",
                                  listen_on,
                                  "@MEDIA@",
                                  config->media_socket,
                                  "@TLS@",
                                  has_tls ? with_tls : "",
                                  "@HSTS@",
                                  has_tls ? hsts : "",
                                  "@CLIENT@",
                                  config->web_client_dir != NULL ? with_client : without_client,
                                  "@PROBLEMS@",
                                  locations,
                                  "@USER@",
                                  user,
                                  "@WORKERS@",
                                  workers,
                                  "@CONNECTIONS@",
                                  connections,
                                  "@FILES@",
                                  files,
                                  "@LISTEN@",
                                  has_stream ? inner : listen_on,
                                  "@WS@",
                                  has_tls ? "wss" : "ws",
                                  "@STATE@",
                                  config->state_dir,
                                  "@WEB@",
                                  config->web_client_dir,
                                  "@CERTIFICATE@",
                                  config->tls_certificate,
                                  "@KEY@",
                                  config->tls_key,
                                  NULL};
    return fill(text, values);
}
