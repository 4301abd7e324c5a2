/* check.c - `manabi check`: what this machine lacks, in words that say what to do. */
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "pipelines/manager/programs.h"
#include "server/base/config.h"
#include "server/check.h"
#include "server/cli.h"

gboolean mnb_check_say(gboolean is_good, const char *what, const char *detail)
{
    printf("%s  %s%s%s\n", is_good ? "ok     " : "PROBLEM", what, detail[0] != '\0' ? ": " : "",
           detail);
    return is_good;
}

void mnb_check_note(const char *what, const char *detail)
{
    printf("note     %s: %s\n", what, detail);
}

static gboolean check_system_program(const char *name, const char *package)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = mnb_programs_find_system(name, package, &error);
    return mnb_check_say(path != NULL, name, path != NULL ? path : error->message);
}

/* Runs `PROGRAM --check` (docs/pipelines.md), which names each GStreamer element that is missing.
 */
static gboolean check_pipeline(const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = mnb_programs_find(name, &error);
    if (path == NULL)
        return mnb_check_say(FALSE, name, error->message);
    const char *argv[] = {path, "--check", NULL};
    g_autofree char *output = NULL;
    int status = 1;
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output,
                      NULL, &status, &error))
        return mnb_check_say(FALSE, name, error->message);
    g_strstrip(output);
    gboolean is_good = g_spawn_check_wait_status(status, NULL);
    return mnb_check_say(is_good, name, is_good ? path : output);
}

static gboolean check_space(const char *state_dir)
{
    struct statvfs fs;
    if (statvfs(state_dir, &fs) != 0)
        return mnb_check_say(TRUE, "state directory", "not made yet");
    double free_gb = (double)fs.f_bavail * (double)fs.f_frsize / 1e9;
    g_autofree char *text = g_strdup_printf("%s, %.1f GB free", state_dir, free_gb);
    return mnb_check_say(free_gb > 2, "state directory", text);
}

int mnb_cli_check(int argc, char **argv)
{
    g_autofree char *config_path = NULL;
    g_autofree char *state = NULL;
    gboolean is_rebuild = FALSE;
    const GOptionEntry entries[] = {
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &state, "state directory", "DIR"},
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &config_path, "configuration to check too", "FILE"},
        {"rebuild", 0, 0, G_OPTION_ARG_NONE, &is_rebuild,
         "put the catalogue aside and make a new one from the recordings' manifests alone; the "
         "server must not run",
         NULL},
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- say what this machine lacks");
    g_option_context_add_main_entries(context, entries, NULL);
    g_autoptr(GError) error = NULL;
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "manabi check: %s\n", error->message);
        return 2;
    }
    if (state == NULL && config_path == NULL)
        state = mnb_cli_default_state();
    if (is_rebuild && state == NULL) {
        fprintf(stderr, "manabi check: --rebuild needs --state\n");
        return 2;
    }
    if (is_rebuild)
        return mnb_cli_rebuild(state);
    g_autoptr(MnbConfig) config =
        config_path != NULL ? mnb_config_load(config_path, state, &error) : mnb_config_new(state);
    gboolean is_good = mnb_check_say(config != NULL, "configuration",
                                     config == NULL        ? error->message
                                     : config_path != NULL ? config_path
                                                           : "defaults");
    is_good &= check_system_program("nginx", "nginx");
    is_good &= check_system_program("bwrap", "bubblewrap");
    g_clear_error(&error);
    g_autofree char *media = mnb_programs_find("manabi-media", &error);
    is_good &= mnb_check_say(media != NULL, "manabi-media", media != NULL ? media : error->message);
    is_good &= check_pipeline("manabi-record");
    is_good &= check_pipeline("manabi-compose");
    is_good &= check_pipeline("manabi-transcode");
    is_good &= check_pipeline("manabi-stills");
    g_autofree char *web_root = mnb_programs_find_web_root();
    is_good &=
        mnb_check_say(web_root != NULL, "web client", web_root != NULL ? web_root : "not built");
    is_good &= mnb_check_versions();
    if (config != NULL) {
        is_good &= check_space(config->server.state_dir);
        is_good &= mnb_check_network(config);
    }
    return is_good ? 0 : 1;
}
