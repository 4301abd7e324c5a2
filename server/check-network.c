#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <string.h>

#include "pipelines/manager/media-worker-private.h"
#include "server/check.h"

/* A server of this state directory holds the ports rightly. */
static gboolean is_running(const MnbConfig *config)
{
    g_autofree char *path = g_build_filename(config->server.state_dir, "run", "admin.sock", NULL);
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_autoptr(GSocketConnection) connection =
        g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, NULL);
    return connection != NULL;
}

static gboolean check_tcp_port(const MnbConfig *config)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *what =
        g_strdup_printf("TCP port %d on %s", (int)config->server.port, config->server.listen);
    g_autoptr(GInetAddress) ip = g_inet_address_new_from_string(config->server.listen);
    if (ip == NULL)
        return mnb_check_say(FALSE, what, "[server] listen is no numeric address");
    g_autoptr(GSocketAddress) address = g_inet_socket_address_new(ip, (guint16)config->server.port);
    g_autoptr(GSocket) socket = g_socket_new(g_inet_address_get_family(ip), G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_TCP, &error);
    gboolean is_free = socket != NULL && g_socket_bind(socket, address, TRUE, &error);
    return mnb_check_say(is_free, what, is_free ? "free" : error->message);
}

static gboolean check_udp_ports(const MnbConfig *config)
{
    guint workers =
        config->media.workers != 0 ? (guint)config->media.workers : g_get_num_processors();
    gboolean is_good = TRUE;
    for (guint i = 0; config->media.port != 0 && i < workers; i++) {
        MnbMediaPorts ports;
        guint16 port;
        g_autoptr(GError) error = NULL;
        g_autofree char *what =
            g_strdup_printf("UDP%s port %u", config->media.tcp == MNB_SWITCH_ON ? " and TCP" : "",
                            (guint)config->media.port + i);
        gboolean is_free =
            mnb_media_ports_bind((guint16)(config->media.port + i),
                                 config->media.tcp == MNB_SWITCH_ON, &ports, &port, &error);
        if (is_free)
            mnb_media_ports_close(&ports);
        is_good &= mnb_check_say(is_free, what, is_free ? "free" : error->message);
    }
    return is_good;
}

static gboolean is_reachable(const char *text)
{
    g_autoptr(GInetAddress) ip = g_inet_address_new_from_string(text);
    return !g_inet_address_get_is_loopback(ip) && !g_inet_address_get_is_site_local(ip) &&
           !g_inet_address_get_is_link_local(ip);
}

static gboolean check_announced(const MnbConfig *config, gboolean is_local)
{
    MnbMediaAddress addresses[MNB_MEDIA_ADDRESSES_MAX];
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) list = g_string_new(NULL);
    gboolean is_public = FALSE;
    int n = mnb_udp_ports_addresses((const char *const *)config->media.announce, 0, 1, TRUE,
                                    addresses, &error);
    if (n < 0)
        return mnb_check_say(FALSE, "addresses for media", error->message);
    for (int i = 0; i < n; i++) {
        g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", addresses[i].address);
        is_public |= is_reachable(addresses[i].address);
    }
    mnb_check_say(TRUE, "addresses for media", list->str);
    if (!is_local && !is_public)
        mnb_check_note("addresses for media",
                       "none of them can be reached from the internet: if people come from "
                       "outside, set [media] announce to the address they see");
    return TRUE;
}

gboolean mnb_check_network(const MnbConfig *config)
{
    gboolean is_good = TRUE;
    g_autoptr(GInetAddress) ip = g_inet_address_new_from_string(config->server.listen);
    gboolean is_local =
        ip != NULL && g_inet_address_get_is_loopback(ip) && config->server.public_url[0] == '\0';
    if (is_running(config)) {
        mnb_check_say(TRUE, "ports", "a server of this state directory runs and holds them");
    } else {
        if (config->server.front_door == MNB_FRONT_DOOR_NGINX)
            is_good &= check_tcp_port(config);
        is_good &= check_udp_ports(config);
    }
    is_good &= check_announced(config, is_local);
    if (!is_local && config->server.tls_certificate[0] == '\0' &&
        !g_str_has_prefix(config->server.public_url, "https://"))
        mnb_check_note("plain http", "browsers give camera and microphone to https pages and to "
                                     "localhost only: set [server] tls_certificate and tls_key");
    return is_good;
}
