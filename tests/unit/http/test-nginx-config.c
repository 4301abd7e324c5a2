#include "server/base/error.h"
#include "server/http/nginx-config.h"
#include <string.h>

static MnbNginxConfig plain(void)
{
    return (MnbNginxConfig){.state_dir = "/srv/state",
                            .web_client_dir = "/srv/web",
                            .address = "127.0.0.1",
                            .port = 8080,
                            .workers = 2,
                            .connections = 512};
}

static void test_fills_in(void)
{
    MnbNginxConfig config = plain();
    g_autofree char *text = mnb_nginx_config(&config, NULL);
    const char *const wanted[] = {"listen 127.0.0.1:8080 default_server",
                                  "worker_processes 2;",
                                  "max_ranges 1;",
                                  "http://unix:/srv/state/run/api.sock",
                                  "proxy_set_header X-Forwarded-For $remote_addr;",
                                  "root \"/srv/web\";",
                                  "server_tokens off;"};
    for (guint i = 0; i < G_N_ELEMENTS(wanted); i++)
        g_assert_nonnull(strstr(text, wanted[i]));
    g_autoptr(GRegex) left = g_regex_new("@[A-Z]+@", 0, 0, NULL);
    g_assert_false(g_regex_match(left, text, 0, NULL));
    g_assert_null(strstr(text, "ssl_"));
    g_assert_null(strstr(text, "X-Forwarded-For $proxy_add"));
}

static void test_tls(void)
{
    MnbNginxConfig config = plain();
    config.tls_certificate = "/etc/c.pem";
    config.tls_key = "/etc/k.pem";
    config.address = "::";
    g_autofree char *text = mnb_nginx_config(&config, NULL);
    g_assert_nonnull(strstr(text, "listen [::]:8080 default_server backlog=4096 ipv6only=off ssl"));
    g_assert_nonnull(strstr(text, "ssl_protocols TLSv1.2 TLSv1.3;"));
    g_assert_nonnull(strstr(text, "Strict-Transport-Security"));
    g_assert_nonnull(strstr(text, "wss://$http_host"));
}

static void test_shares_the_port(void)
{
    MnbNginxConfig config = plain();
    config.tls_certificate = "/etc/c.pem";
    config.tls_key = "/etc/k.pem";
    config.stream_module = "/usr/lib/stream.so";
    config.media_socket = "/srv/state/run/media.sock";
    g_autofree char *text = mnb_nginx_config(&config, NULL);
    const char *const wanted[] = {
        "load_module \"/usr/lib/stream.so\";", "listen 127.0.0.1:8080 backlog=4096;",
        "listen \"unix:/srv/state/nginx/https.sock\" default_server ssl",
        "\"\" \"unix:/srv/state/run/media.sock\";", "real_ip_header proxy_protocol;"};
    for (guint i = 0; i < G_N_ELEMENTS(wanted); i++)
        if (strstr(text, wanted[i]) == NULL)
            g_error("%s is not in %s", wanted[i], text);
    g_autoptr(GRegex) left = g_regex_new("@[A-Z]+@", 0, 0, NULL);
    g_assert_false(g_regex_match(left, text, 0, NULL));
}

static void test_refuses(void)
{
    const char *const bad[] = {"relative", "/a\"b", "/a$b", "/a;b", "/a\nb", "/a{b", "/a:b", ""};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        MnbNginxConfig config = plain();
        config.state_dir = bad[i];
        g_assert_null(mnb_nginx_config(&config, &error));
        g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
    }
    g_autoptr(GError) error = NULL;
    MnbNginxConfig config = plain();
    config.address = "localhost; evil";
    g_assert_null(mnb_nginx_config(&config, &error));
    g_assert_error(error, MNB_ERROR, MNB_ERROR_INVALID);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/nginx-config/fills-in-everything", test_fills_in);
    g_test_add_func("/http/nginx-config/speaks-tls-when-it-has-a-certificate", test_tls);
    g_test_add_func("/nginx-config/shares-the-port-with-media", test_shares_the_port);
    g_test_add_func("/http/nginx-config/refuses-what-would-be-syntax", test_refuses);
    return g_test_run();
}
