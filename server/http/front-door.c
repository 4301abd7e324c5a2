#include "server/http/front-door.h"
#include "pipelines/manager/child.h"
#include "pipelines/manager/programs.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/http/nginx-config.h"
#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG         4096
#define CONNECTIONS_MAX 16384
#define OLD_NGINX_MS    1000

struct MnbFrontDoor {
    char *nginx;       /* the program */
    char *prefix;      /* STATE/nginx */
    char *config_path; /* STATE/nginx/nginx.conf */
    GSocket *socket;   /* listens; nginx inherits it at every start */
    char *inner_path;  /* STATE/nginx/https.sock: from nginx's stream part to its http part; NULL:
                          the  http part has the port itself */
    GSocket *inner;    /* listens there; a new one at every start, because nginx removes its name */
    guint16 port;
    MnbChild *child;
    GPid group; /* of the nginx that runs, or ran last */
};

/* ---- the nginx of an earlier run ---- */

/* Process group of /proc/@pid when it is an nginx that is not dead yet, else 0. */
static pid_t nginx_group(const char *pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid);
    g_autofree char *stat = NULL;
    char state = 'Z';
    int group = 0;
    if (!g_ascii_isdigit(pid[0]) || !g_file_get_contents(path, &stat, NULL, NULL))
        return 0;
    const char *name_end = strrchr(stat, ')');
    if (name_end == NULL || strstr(stat, "(nginx)") == NULL ||
        sscanf(name_end + 1, " %c %*d %d", &state, &group) != 2)
        return 0;
    return state != 'Z' ? group : 0;
}

/* Sends @signal_number (0: none) to every nginx of @group. Returns how many there are. */
static guint signal_group(pid_t group, int signal_number)
{
    guint n = 0;
    GDir *proc = g_dir_open("/proc", 0, NULL);
    const char *name;
    while (proc != NULL && (name = g_dir_read_name(proc)) != NULL) {
        if (nginx_group(name) != group)
            continue;
        n++;
        if (signal_number != 0)
            kill((pid_t)g_ascii_strtoll(name, NULL, 10), signal_number);
    }
    g_clear_pointer(&proc, g_dir_close);
    return n;
}

/* When we were killed, our nginx was told to end, which takes it some milliseconds. If its master
 * was killed as well, its workers do not know, and would take connections for ever: end them. */
static void end_old_nginx(const char *state_dir)
{
    g_autofree char *path = g_build_filename(state_dir, "nginx", "nginx.pid", NULL);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    pid_t group = (pid_t)g_ascii_strtoll(text, NULL, 10);
    for (guint waited_ms = 0; group > 1 && waited_ms < OLD_NGINX_MS; waited_ms += 20) {
        if (signal_group(group, waited_ms == OLD_NGINX_MS / 2 ? SIGKILL : 0) == 0)
            break;
        g_usleep(20000);
    }
    unlink(path);
}

/* ---- the socket ---- */

static void explain_bind(GError **error, const char *address, guint16 port)
{
    g_autoptr(GError) cause = g_steal_pointer(error);
    if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
        g_set_error(error, MNB_ERROR, MNB_ERROR_BUSY,
                    "port %u on %s is in use by another program: stop that one (`ss -ltnp` shows "
                    "it), or choose another port with --port or [server] port",
                    port, address);
    else if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
        g_set_error(error, MNB_ERROR, MNB_ERROR_DENIED,
                    "this user may not listen on port %u: choose one above 1023, or give manabi "
                    "the capability CAP_NET_BIND_SERVICE",
                    port);
    else
        g_set_error(error, MNB_ERROR, MNB_ERROR_FAILED, "cannot listen on %s port %u: %s", address,
                    port, cause->message);
}

static GSocket *bind_once(const MnbFrontDoorOptions *options, GError **error)
{
    g_autoptr(GSocketAddress) address =
        g_inet_socket_address_new_from_string(options->listen_address, options->port);
    if (address == NULL) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID,
                    "%s is not a numeric IP address to listen on", options->listen_address);
        return NULL;
    }
    g_autoptr(GSocket) socket = g_socket_new(g_socket_address_get_family(address),
                                             G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
    if (socket == NULL)
        return NULL;
    g_socket_set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, FALSE, NULL); /* "::" is for both */
    g_socket_set_listen_backlog(socket, BACKLOG);
    if (g_socket_bind(socket, address, TRUE, error) && g_socket_listen(socket, error))
        return g_steal_pointer(&socket);
    return NULL;
}

static GSocket *bind_port(const MnbFrontDoorOptions *options, guint16 *port_out, GError **error)
{
    g_autoptr(GError) failed = NULL;
    g_autoptr(GSocket) socket = bind_once(options, &failed);
    if (socket == NULL) {
        if (failed->domain == G_IO_ERROR)
            explain_bind(&failed, options->listen_address, options->port);
        g_propagate_error(error, g_steal_pointer(&failed));
        return NULL;
    }
    g_autoptr(GSocketAddress) bound = g_socket_get_local_address(socket, error);
    if (bound == NULL)
        return NULL;
    *port_out = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
    return g_steal_pointer(&socket);
}

/* ---- the configuration ---- */

static gboolean check_tls(const MnbFrontDoorOptions *options, GError **error)
{
    const char *const files[] = {options->tls_certificate, options->tls_key};
    if ((files[0] == NULL) != (files[1] == NULL)) {
        g_set_error_literal(error, MNB_ERROR, MNB_ERROR_INVALID,
                            "https needs both tls_certificate and tls_key");
        return FALSE;
    }
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        if (files[i] != NULL && access(files[i], R_OK) != 0) {
            g_set_error(error, MNB_ERROR, MNB_ERROR_MISSING, "cannot read %s: %s", files[i],
                        g_strerror(errno));
            return FALSE;
        }
    }
    return TRUE;
}

/* For a master that runs as root: its workers stay what we are, else they could not reach the
 * sockets and files of the state directory. Returns (owned): NULL when we are not root. */
static char *own_user(void)
{
    if (geteuid() != 0)
        return NULL;
    const struct passwd *user = getpwuid(geteuid());
    const struct group *group = getgrgid(getegid());
    if (user == NULL || group == NULL)
        return NULL;
    return g_strdup_printf("%s %s", user->pw_name, group->gr_name);
}

/* Each proxied connection needs two descriptors. */
static guint connections_per_worker(void)
{
    struct rlimit limit = {1024, 1024};
    getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t files = limit.rlim_max == RLIM_INFINITY ? 1048576 : limit.rlim_max;
    return (guint)CLAMP((files - 64) / 2, 128, CONNECTIONS_MAX);
}

static const char *find_stream_module(void)
{
    static const char *const places[] = {"/usr/lib/nginx/modules/ngx_stream_module.so",
                                         "/usr/lib64/nginx/modules/ngx_stream_module.so"};
    for (guint i = 0; i < G_N_ELEMENTS(places); i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    return NULL;
}

static gboolean open_inner(MnbFrontDoor *door, GError **error)
{
    if (door->inner_path == NULL)
        return TRUE;
    g_clear_object(&door->inner);
    unlink(door->inner_path);
    g_autoptr(GSocket) socket =
        g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(door->inner_path);
    if (socket == NULL || !g_socket_bind(socket, address, TRUE, error))
        return FALSE;
    g_socket_set_listen_backlog(socket, BACKLOG);
    if (chmod(door->inner_path, 0600) != 0)
        return mnb_error_from_errno(error, -errno, "%s", door->inner_path);
    if (!g_socket_listen(socket, error))
        return FALSE;
    door->inner = g_steal_pointer(&socket);
    return TRUE;
}

static gboolean write_config(MnbFrontDoor *door, const MnbFrontDoorOptions *options, GError **error)
{
    if (g_mkdir_with_parents(door->prefix, 0700) != 0)
        return mnb_error_from_errno(error, -errno, "%s", door->prefix);
    g_autofree char *user = own_user();
    const char *stream = NULL;
    if (options->media_socket != NULL && options->tls_certificate != NULL) {
        stream = find_stream_module();
        if (stream == NULL)
            MNB_LOG_WARNING("media cannot come in on the port of the front door: nginx's stream "
                            "module is missing (Debian: apt-get install libnginx-mod-stream)");
        else
            door->inner_path = g_build_filename(door->prefix, "https.sock", NULL);
    }
    MnbNginxConfig config = {
        .state_dir = options->state_dir,
        .web_client_dir = options->web_client_dir,
        .address = options->listen_address,
        .port = door->port,
        .tls_certificate = options->tls_certificate,
        .tls_key = options->tls_key,
        .stream_module = stream,
        .media_socket = stream != NULL ? options->media_socket : NULL,
        .user = user,
        .workers = options->worker_processes != 0 ? options->worker_processes
                                                  : MIN(g_get_num_processors(), 2),
        .connections = connections_per_worker(),
    };
    g_autofree char *text = mnb_nginx_config(&config, error);
    return text != NULL && g_file_set_contents_full(door->config_path, text, -1,
                                                    G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

/* "nginx: [emerg] host not found in ..." of the output of nginx -t. Returns (owned). */
static char *first_complaint(const char *output)
{
    g_auto(GStrv) lines = g_strsplit(output != NULL ? output : "", "\n", 100);
    for (guint i = 0; lines[i] != NULL; i++)
        if (strstr(lines[i], "[emerg]") != NULL || strstr(lines[i], "[alert]") != NULL)
            return g_strdup(lines[i]);
    return g_strdup(lines[0] != NULL ? lines[0] : "");
}

static gboolean test_config(MnbFrontDoor *door, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
        G_SUBPROCESS_FLAGS_STDERR_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
    if (!open_inner(door, error))
        return FALSE;
    GSocket *const sockets[] = {door->socket, door->inner};
    for (int i = 0; i < 2 && sockets[i] != NULL; i++) {
        int copy = dup(g_socket_get_fd(sockets[i]));
        if (copy < 0)
            return mnb_error_from_errno(error, -errno, "the listening socket");
        g_subprocess_launcher_take_fd(launcher, copy, 3 + i);
    }
    g_subprocess_launcher_setenv(launcher, "NGINX", door->inner != NULL ? "3;4;" : "3;", TRUE);
    g_autoptr(GSubprocess) process =
        g_subprocess_launcher_spawn(launcher, error, door->nginx, "-t", "-q", "-p", door->prefix,
                                    "-c", door->config_path, "-e", "stderr", NULL);
    g_autofree char *output = NULL;
    if (process == NULL ||
        !g_subprocess_communicate_utf8(process, NULL, NULL, NULL, &output, error))
        return FALSE;
    if (g_subprocess_get_successful(process))
        return TRUE;
    g_autofree char *complaint = first_complaint(output);
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "nginx does not take its configuration: %s",
                complaint);
    return FALSE;
}

/* ---- the process ---- */

static gboolean on_prepare(MnbChild *child, MnbChildLaunch *launch, gpointer data, GError **error)
{
    MnbFrontDoor *door = data;
    mnb_child_launch_arg(launch, door->nginx);
    mnb_child_launch_arg(launch, "-p");
    mnb_child_launch_arg(launch, door->prefix);
    mnb_child_launch_arg(launch, "-c");
    mnb_child_launch_arg(launch, door->config_path);
    mnb_child_launch_arg(launch, "-e");
    mnb_child_launch_arg(launch, "stderr");
    /* How nginx hands its sockets to a newer self; from us it takes them the same way. */
    if (!open_inner(door, error))
        return FALSE;
    int fd = mnb_child_launch_fd(launch, g_socket_get_fd(door->socket));
    int inner =
        door->inner != NULL ? mnb_child_launch_fd(launch, g_socket_get_fd(door->inner)) : -1;
    g_autofree char *inherited =
        inner >= 0 ? g_strdup_printf("%d;%d;", fd, inner) : g_strdup_printf("%d;", fd);
    mnb_child_launch_env(launch, "NGINX", inherited);
    return TRUE;
}

static void on_started(MnbChild *child, gpointer data)
{
    MnbFrontDoor *door = data;
    door->group = mnb_child_pid(child);
    MNB_LOG_INFO("nginx runs", "port=%u pid=%d", door->port, (int)door->group);
}

/* A master that was killed leaves its workers behind: they go with their process group. */
static void end_group(MnbFrontDoor *door)
{
    if (door->group > 0)
        kill(-door->group, SIGKILL);
    door->group = 0;
}

static void on_ended(MnbChild *child, int exit_code, int signal_number, gboolean will_restart,
                     gpointer data)
{
    end_group(data);
}

static void on_alarm(MnbChild *child, gpointer data)
{
    MNB_LOG_ERROR("nginx does not stay up; nobody can reach the server until it is restarted");
}

static const MnbChildCalls calls = {
    .prepare = on_prepare,
    .on_started = on_started,
    .on_ended = on_ended,
    .on_alarm = on_alarm,
};

MnbFrontDoor *mnb_front_door_new(const MnbFrontDoorOptions *options, GError **error)
{
    /* On our death SIGTERM, not SIGKILL: only a master that lives ends its workers. On stop
     * SIGQUIT: take nobody new, let answers end (nginx.conf: at most 3 s). */
    static const MnbChildOptions child = {.name = "nginx",
                                          .is_kept = TRUE,
                                          .death_signal = SIGTERM,
                                          .stop_signal = SIGQUIT,
                                          .stop_ms = 4000};
    g_autofree char *nginx = options->nginx_path != NULL
                                 ? g_strdup(options->nginx_path)
                                 : mnb_programs_find_system("nginx", "nginx", error);
    if (nginx == NULL || !check_tls(options, error))
        return NULL;
    if (access(nginx, X_OK) != 0) {
        g_set_error(error, MNB_ERROR, MNB_ERROR_MISSING,
                    "nginx is missing: %s cannot be run (Debian: apt-get install nginx)", nginx);
        return NULL;
    }
    end_old_nginx(options->state_dir);
    guint16 port = 0;
    GSocket *socket = bind_port(options, &port, error);
    if (socket == NULL)
        return NULL;
    MnbFrontDoor *door = g_new0(MnbFrontDoor, 1);
    door->nginx = g_steal_pointer(&nginx);
    door->socket = socket;
    door->port = port;
    door->prefix = g_build_filename(options->state_dir, "nginx", NULL);
    door->config_path = g_build_filename(door->prefix, "nginx.conf", NULL);
    door->child = mnb_child_new(&child, &calls, door);
    if (write_config(door, options, error) && test_config(door, error))
        return door;
    mnb_front_door_free(door);
    return NULL;
}

gboolean mnb_front_door_start(MnbFrontDoor *door, GError **error)
{
    return mnb_child_start(door->child, error);
}

void mnb_front_door_stop(MnbFrontDoor *door)
{
    mnb_child_stop(door->child);
}

void mnb_front_door_free(MnbFrontDoor *door)
{
    if (door == NULL)
        return;
    if (mnb_child_pid(door->child) != 0)
        end_group(door);
    mnb_child_free(door->child);
    g_object_unref(door->socket);
    g_clear_object(&door->inner);
    if (door->inner_path != NULL)
        unlink(door->inner_path);
    g_free(door->inner_path);
    g_free(door->nginx);
    g_free(door->prefix);
    g_free(door->config_path);
    g_free(door);
}

gboolean mnb_front_door_has_media(const MnbFrontDoor *door)
{
    return door->inner_path != NULL;
}

guint16 mnb_front_door_port(const MnbFrontDoor *door)
{
    return door->port;
}

GPid mnb_front_door_pid(const MnbFrontDoor *door)
{
    return mnb_child_pid(door->child);
}
