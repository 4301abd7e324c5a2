/* front-door.h - nginx before the server: writes its configuration, tests it, runs and watches it.
 *
 *     browsers --tcp--> nginx --unix--> STATE/run/api.sock     /api /whip /whep /media /healthz
 * /metrics |  --unix--> STATE/run/signal.sock   /signal (WebSocket)
 *                         |-- STATE/recordings/                what the API allowed
 * (X-Accel-Redirect)
 *                         `-- the web client's folder          everything else
 *
 * nginx runs as our user, needs no root, keeps configuration, pid and temporary files in
 * STATE/nginx/ and logs into our log. We bind the listening socket and nginx inherits it, so that a
 * port in use or a forbidden port is told in our words, port 0 works, and a restarted nginx loses
 * no connection. Main thread only. nginx ends when manabi ends, however that happens.
 */
#pragma once
#include <glib.h>

typedef struct MnbFrontDoor MnbFrontDoor;

/* Strings are copied. */
typedef struct {
    const char *state_dir;       /* absolute; run/, nginx/ and recordings/ are below it */
    const char *web_client_dir;  /* absolute; index.html and assets/; NULL: a plain page says it is
                                    missing */
    const char *listen_address;  /* IPv4 or IPv6, numeric: "127.0.0.1", "0.0.0.0", "::" */
    guint16 port;                /* 0: the kernel chooses */
    const char *tls_certificate; /* PEM file with the chain; NULL: plain http */
    const char *tls_key;         /* PEM file; both or none */
    /* Unix socket of the media workers: with TLS and nginx's stream module, what is not TLS on the
     * port goes there (ICE-TCP), with a PROXY line in front. NULL: none. */
    const char *media_socket;
    const char *nginx_path; /* NULL: nginx from PATH, then /usr/sbin/nginx */
    guint worker_processes; /* 0: one per core, at most 2 */
} MnbFrontDoorOptions;

/* Binds the port, writes STATE/nginx/nginx.conf and asks `nginx -t` (some 30 ms; blocks). First
 * ends what is left of the nginx of a killed manabi (up to 1 s), so the caller has to hold the
 * state directory: one process uses it. Returns (owned): NULL with @error, a text to show the
 * operator as it is: nginx is missing and how to install it, the port is in use, the port needs
 * privileges, a certificate cannot be read. */
MnbFrontDoor *mnb_front_door_new(const MnbFrontDoorOptions *options, GError **error);

/* Starts nginx. It is started again whenever it ends by itself.
 * Returns: FALSE with @error when the process cannot be started. */
gboolean mnb_front_door_start(MnbFrontDoor *door, GError **error);

/* Lets running answers end (at most 3 s), then stops nginx. The listening socket closes with
 * free(). */
void mnb_front_door_stop(MnbFrontDoor *door);

/* Stops at once. NULL is fine. */
void mnb_front_door_free(MnbFrontDoor *door);

/* Whether what is not TLS goes to media_socket. */
gboolean mnb_front_door_has_media(const MnbFrontDoor *door);

/* The port that is really listened on. */
guint16 mnb_front_door_port(const MnbFrontDoor *door);

/* The process id of nginx's master; 0 while it is not running. */
GPid mnb_front_door_pid(const MnbFrontDoor *door);
