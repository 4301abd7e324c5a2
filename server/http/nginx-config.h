/* nginx-config.h - the text of nginx.conf, from nginx.conf.in. A pure function; any thread. */
#pragma once
#include <glib.h>

typedef struct {
    const char *state_dir;
    const char *web_client_dir; /* NULL: none */
    const char *address;        /* IPv4 or IPv6, numeric */
    guint16 port;
    const char *tls_certificate; /* NULL: plain http */
    const char *tls_key;
    /* nginx's stream module and the socket of the media workers: what is not TLS on the port goes
     * there. Both NULL, or both set with TLS. */
    const char *stream_module;
    const char *media_socket;
    const char *user; /* "name group" for a master that runs as root; NULL: not root */
    guint workers;
    guint connections; /* of one worker */
} MnbNginxConfig;

/* Returns (owned): NULL with MNB_ERROR_INVALID when a path has a character that nginx's
 * configuration cannot hold, or the address is none. */
char *mnb_nginx_config(const MnbNginxConfig *config, GError **error);
