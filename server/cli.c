#include "server/cli.h"

#include <errno.h>
#include <glib.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/admin.h"
#include "server/base/config.h"

#define ANSWER_TIMEOUT_S 3600 /* an import copies a large film first */

/* Options that every command takes: where the server is. */
typedef struct {
    char *config;
    char *state;
} Place;

static void place_clear(Place *place)
{
    g_free(place->config);
    g_free(place->state);
}

/* Parses @entries and the place's; what is left stays in argv. Returns FALSE after telling why. */
static gboolean parse(const char *summary, const GOptionEntry *entries, Place *place, int *argc,
                      char ***argv)
{
    const GOptionEntry common[] = {
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &place->state, "state directory of the server",
         "DIR"},
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &place->config, "its configuration", "FILE"},
        {NULL},
    };
    const char *command = (*argv)[0];
    g_autoptr(GOptionContext) context = g_option_context_new(summary);
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_main_entries(context, common, NULL);
    g_autoptr(GError) error = NULL;
    if (g_option_context_parse(context, argc, argv, &error))
        return TRUE;
    fprintf(stderr, "manabi %s: %s\n", command, error->message);
    return FALSE;
}

static int usage(const char *text)
{
    fprintf(stderr, "usage: manabi %s\n", text);
    return 2;
}

char *mnb_cli_default_state(void)
{
    g_autofree char *by_habit = g_build_filename(g_get_user_state_dir(), "manabi", NULL);
    gboolean is_there = g_file_test(by_habit, G_FILE_TEST_IS_DIR);
    return is_there ? g_steal_pointer(&by_habit) : g_strdup("/var/lib/manabi");
}

static char *find_socket(const Place *place, GError **error)
{
    g_autofree char *by_habit = mnb_cli_default_state();
    const char *state = place->state;
    g_autoptr(MnbConfig) config = NULL;
    if (place->config != NULL) {
        config = mnb_config_load(place->config, place->state, error);
        if (config == NULL)
            return NULL;
        state = config->server.state_dir;
    } else if (state == NULL) {
        state = by_habit;
    }
    return g_build_filename(state, "run", "admin.sock", NULL);
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    struct timeval limit = {.tv_sec = ANSWER_TIMEOUT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

/* Sends @request (taken over) and reads the answer. Returns (owned), or NULL after telling why. */
static json_t *ask(const Place *place, json_t *request)
{
    g_autoptr(GError) error = NULL;
    char *text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    free(text);
    g_autofree char *path = find_socket(place, &error);
    if (path == NULL) {
        fprintf(stderr, "manabi: %s\n", error->message);
        return NULL;
    }
    int fd = connect_to(path);
    if (fd < 0) {
        fprintf(stderr,
                "manabi: no server answers at %s (%s); start it with script/server or `manabi "
                "serve`, or name its state directory with --state\n",
                path, g_strerror(errno));
        return NULL;
    }
    json_t *answer = NULL;
    size_t length = strlen(line);
    if (send(fd, line, length, MSG_NOSIGNAL) == (ssize_t)length)
        answer = json_loadfd(fd, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, NULL);
    close(fd);
    if (answer == NULL) {
        fprintf(stderr, "manabi: the server gave no answer; its log says why\n");
        return NULL;
    }
    if (json_is_true(json_object_get(answer, "ok")))
        return answer;
    const char *why = json_string_value(json_object_get(answer, "error"));
    fprintf(stderr, "manabi: %s\n", why != NULL ? why : "the server refused");
    json_decref(answer);
    return NULL;
}

/* Asks, and prints one text of the answer. Returns the exit code. */
static int ask_and_print(const Place *place, json_t *request, const char *key)
{
    json_t *answer = ask(place, request);
    if (answer == NULL)
        return 1;
    const char *text = json_string_value(json_object_get(answer, key));
    if (text != NULL)
        puts(text);
    json_decref(answer);
    return text != NULL ? 0 : 1;
}

int mnb_cli_link(int argc, char **argv)
{
    Place place = {NULL};
    g_autofree char *role = NULL;
    g_autofree char *label = NULL;
    gint64 expires_s = 0;
    const GOptionEntry entries[] = {
        {"role", 0, 0, G_OPTION_ARG_STRING, &role,
         "facilitator, presenter, interpreter, participant or observer", "ROLE"},
        {"label", 0, 0, G_OPTION_ARG_STRING, &label, "whom it is for, shown in the list", "TEXT"},
        {"expires-in", 0, 0, G_OPTION_ARG_INT64, &expires_s, "how long it works; 0: for ever",
         "SECONDS"},
        {NULL},
    };
    int code = 2;
    if (parse("EVENT - make a link by which people come into an event", entries, &place, &argc,
              &argv)) {
        if (argc != 2 || role == NULL)
            code = usage("link EVENT --role ROLE [--label TEXT] [--expires-in SECONDS]");
        else
            code = ask_and_print(
                &place,
                json_pack("{s:s, s:s, s:s, s:s, s:I}", "do", "link", "event", argv[1], "role", role,
                          "label", label != NULL ? label : "", "expires_s", (json_int_t)expires_s),
                "url");
    }
    place_clear(&place);
    return code;
}

/* "2026-11-24 21:05" of here, or a dash. */
static char *time_text(const json_t *time)
{
    if (!json_is_integer(time))
        return g_strdup("-");
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_local(json_integer_value(time));
    return when != NULL ? g_date_time_format(when, "%Y-%m-%d %H:%M") : g_strdup("-");
}

static int list_tokens(const Place *place, const char *session)
{
    json_t *answer = ask(place, json_pack("{s:s, s:s}", "do", "tokens", "session", session));
    if (answer == NULL)
        return 1;
    gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
    const json_t *tokens = json_object_get(answer, "tokens");
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        const json_t *token = json_array_get(tokens, i);
        const json_t *end = json_object_get(token, "expires_s");
        const char *state = json_is_integer(json_object_get(token, "revoked_s"))       ? "revoked"
                            : json_is_integer(end) && json_integer_value(end) <= now_s ? "expired"
                                                                                       : "valid";
        g_autofree char *expires = time_text(end);
        printf("%s\t%s\t%s\t%s\t%s\n", json_string_value(json_object_get(token, "id")),
               json_string_value(json_object_get(token, "may")), state, expires,
               json_string_value(json_object_get(token, "label")));
    }
    json_decref(answer);
    return 0;
}

int mnb_cli_token(int argc, char **argv)
{
    Place place = {NULL};
    g_autofree char *session = NULL;
    g_autofree char *may = NULL;
    g_autofree char *label = NULL;
    gint64 expires_s = 30 * 86400;
    const GOptionEntry entries[] = {
        {"session", 0, 0, G_OPTION_ARG_STRING, &session, "the session it is for", "ID"},
        {"may", 0, 0, G_OPTION_ARG_STRING, &may, "publish (WHIP) or receive (WHEP)", "WHAT"},
        {"label", 0, 0, G_OPTION_ARG_STRING, &label, "name shown in the room", "TEXT"},
        {"expires-in", 0, 0, G_OPTION_ARG_INT64, &expires_s,
         "how long it works (30 days); 0: for ever", "SECONDS"},
        {NULL},
    };
    int code = 2;
    if (parse("[list|revoke ID] - make a bearer token for WHIP or WHEP; list those of a session "
              "(id, what it may, state, end, name); end one, and who uses it",
              entries, &place, &argc, &argv)) {
        if (argc == 2 && strcmp(argv[1], "list") == 0 && session != NULL)
            code = list_tokens(&place, session);
        else if (argc == 3 && strcmp(argv[1], "revoke") == 0)
            code = ask_and_print(
                &place, json_pack("{s:s, s:s}", "do", "token-revoke", "id", argv[2]), "id");
        else if (argc != 1 || session == NULL || may == NULL)
            code = usage("token --session ID --may publish|receive [--label TEXT] [--expires-in "
                         "SECONDS], or token list --session ID, or token revoke ID");
        else
            code = ask_and_print(&place,
                                 json_pack("{s:s, s:s, s:s, s:s, s:I}", "do", "token", "session",
                                           session, "may", may, "label", label != NULL ? label : "",
                                           "expires_s", (json_int_t)expires_s),
                                 "token");
    }
    place_clear(&place);
    return code;
}

int mnb_cli_user(int argc, char **argv)
{
    Place place = {NULL};
    gboolean is_admin = FALSE;
    const GOptionEntry entries[] = {
        {"admin", 0, 0, G_OPTION_ARG_NONE, &is_admin, "may manage accounts and the machine", NULL},
        {NULL},
    };
    int code = 2;
    if (parse("add|disable|enable NAME - make a staff account, or a new sign-in link for one; "
              "keep one out, or let it in again",
              entries, &place, &argc, &argv)) {
        if (argc == 3 && strcmp(argv[1], "add") == 0)
            code = ask_and_print(
                &place,
                json_pack("{s:s, s:s, s:b}", "do", "user", "name", argv[2], "is_admin", is_admin),
                "url");
        else if (argc == 3 && strcmp(argv[1], "disable") == 0)
            code = ask_and_print(
                &place, json_pack("{s:s, s:s}", "do", "user-disable", "name", argv[2]), "name");
        else if (argc == 3 && strcmp(argv[1], "enable") == 0)
            code = ask_and_print(
                &place, json_pack("{s:s, s:s}", "do", "user-enable", "name", argv[2]), "name");
        else
            code = usage("user add NAME [--admin], or user disable|enable NAME");
    }
    place_clear(&place);
    return code;
}

/* Shows progress until the recording is ready or has failed. Returns the exit code. */
static int wait_for_recording(const Place *place, const char *recording)
{
    gboolean is_terminal = isatty(STDERR_FILENO);
    for (;;) {
        json_t *answer =
            ask(place, json_pack("{s:s, s:s}", "do", "recording", "recording", recording));
        if (answer == NULL)
            return 1;
        const char *state = "", *code = NULL, *reason = NULL;
        int permille = 0;
        json_unpack(answer, "{s:s, s:i, s?s, s?s}", "state", &state, "permille", &permille, "code",
                    &code, "reason", &reason);
        gboolean is_done = strcmp(state, "processing") != 0;
        if (is_terminal)
            fprintf(stderr, "\r%3d %% ", is_done ? 100 : permille / 10);
        if (is_done || code != NULL) {
            if (is_terminal)
                fputc('\n', stderr);
            if (!is_done)
                fprintf(stderr, "manabi: the film was not taken: %s (%s)\n",
                        reason != NULL ? reason : "it failed", code);
            json_decref(answer);
            return is_done ? 0 : 1;
        }
        json_decref(answer);
        g_usleep(G_USEC_PER_SEC / 2);
    }
}

typedef struct {
    char *city, *area, *title_en, *title_ja, *audience;
    char **languages;
    gboolean is_waiting;
} ImportOptions;

static int import_film(const Place *place, const char *file, const ImportOptions *options)
{
    g_autofree char *path = g_canonicalize_filename(file, NULL);
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "manabi: %s cannot be read: %s\n", path, g_strerror(errno));
        return 1;
    }
    json_t *languages = json_array();
    for (char **language = options->languages; language != NULL && *language != NULL; language++)
        json_array_append_new(languages, json_string(*language));
    json_t *request =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s}", "do", "import", "path", path, "city",
                  options->city, "area", options->area, "title_en",
                  options->title_en != NULL ? options->title_en : "", "title_ja",
                  options->title_ja != NULL ? options->title_ja : "", "languages", languages,
                  "audience", options->audience != NULL ? options->audience : "public");
    if (request == NULL) {
        fprintf(stderr, "manabi: an argument is not valid UTF-8\n");
        return 2;
    }
    json_t *answer = ask(place, request);
    if (answer == NULL)
        return 1;
    const char *recording = json_string_value(json_object_get(answer, "recording"));
    if (recording != NULL)
        puts(recording);
    fflush(stdout);
    int code = recording == NULL     ? 1
               : options->is_waiting ? wait_for_recording(place, recording)
                                     : 0;
    json_decref(answer);
    return code;
}

int mnb_cli_import(int argc, char **argv)
{
    Place place = {NULL};
    ImportOptions options = {NULL};
    const GOptionEntry entries[] = {
        {"city", 0, 0, G_OPTION_ARG_STRING, &options.city, "code of the city, e.g. 40100", "CODE"},
        {"area", 0, 0, G_OPTION_ARG_STRING, &options.area,
         "code of the thematic area, e.g. urban-planning", "CODE"},
        {"title", 0, 0, G_OPTION_ARG_STRING, &options.title_en, "title in English", "TEXT"},
        {"title-ja", 0, 0, G_OPTION_ARG_STRING, &options.title_ja, "title in Japanese", "TEXT"},
        {"language", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.languages,
         "language spoken (may be repeated)", "TAG"},
        {"audience", 0, 0, G_OPTION_ARG_STRING, &options.audience,
         "public (default), link or staff", "WHO"},
        {"wait", 0, 0, G_OPTION_ARG_NONE, &options.is_waiting, "until it can be watched", NULL},
        {NULL},
    };
    int code = 2;
    if (parse("FILE - bring a film into the catalogue", entries, &place, &argc, &argv)) {
        if (argc != 2 || options.city == NULL || options.area == NULL ||
            (options.title_en == NULL && options.title_ja == NULL))
            code = usage("import FILE --city CODE --area CODE --title TEXT [--title-ja TEXT] "
                         "[--language TAG] [--audience WHO] [--wait]");
        else
            code = import_film(&place, argv[1], &options);
    }
    g_free(options.city);
    g_free(options.area);
    g_free(options.title_en);
    g_free(options.title_ja);
    g_free(options.audience);
    g_strfreev(options.languages);
    place_clear(&place);
    return code;
}
