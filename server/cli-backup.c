/* cli-backup.c - `manabi backup`, and `manabi check --rebuild`. Both work on the files: neither
 * needs the server, and a backup does not disturb one that runs. */
#include <stdio.h>

#include "recordings/catalog-file.h"
#include "server/backup.h"
#include "server/base/error.h"
#include "server/cli.h"

static void tell_count(const char *what, const MnbBackupCount *count, const char *where)
{
    printf("%s %s: %u files copied (%.1f MB), %u unchanged, %u removed\n", what, where,
           count->files, (double)count->bytes / 1e6, count->kept, count->removed);
}

int mnb_cli_backup(int argc, char **argv)
{
    g_autofree char *to = NULL;
    g_autofree char *from = NULL;
    g_autofree char *state = NULL;
    const GOptionEntry entries[] = {
        {"to", 0, 0, G_OPTION_ARG_FILENAME, &to, "take a backup into this directory", "DIR"},
        {"restore", 0, 0, G_OPTION_ARG_FILENAME, &from,
         "fill the state directory, which must have no catalogue, from this backup", "DIR"},
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &state, "state directory", "DIR"},
        {NULL},
    };
    g_autoptr(GOptionContext) context =
        g_option_context_new("- copy all that a server has, while it runs");
    g_option_context_add_main_entries(context, entries, NULL);
    g_autoptr(GError) error = NULL;
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "manabi backup: %s\n", error->message);
        return 2;
    }
    if (argc > 1 || (to == NULL) == (from == NULL)) {
        fprintf(stderr, "manabi backup: --to DIR or --restore DIR is needed (see --help)\n");
        return 2;
    }
    if (state == NULL)
        state = mnb_cli_default_state();
    MnbBackupCount count;
    guint recordings = 0;
    gboolean is_done = to != NULL ? mnb_backup_take(state, to, &count, &error)
                                  : mnb_backup_restore(from, state, &count, &recordings, &error);
    if (!is_done) {
        fprintf(stderr, "manabi backup: %s\n", error->message);
        return 1;
    }
    tell_count(to != NULL ? "backup of" : "restored", &count, state);
    if (from != NULL)
        printf("%u recordings taken over from manifests newer than the catalogue\n", recordings);
    return 0;
}

static gboolean rebuild(const char *state, MnbRebuild *result, GError **error)
{
    g_autoptr(MnbStore) store = mnb_store_new(state, error);
    return store != NULL && mnb_catalog_file_rebuild(store, result, error);
}

int mnb_cli_rebuild(const char *state)
{
    g_autoptr(GError) error = NULL;
    MnbRebuild result = {0};
    if (!rebuild(state, &result, &error)) {
        fprintf(stderr, "manabi check: the catalogue was not rebuilt: %s\n", error->message);
        return 1;
    }
    printf("catalogue rebuilt from manifests: %u recordings\n", result.restored);
    if (result.aside != NULL)
        printf("the one before is %s\n", result.aside);
    if (result.known > 0)
        printf("of the %u recordings that it had, %u are back, %u with other rights than before\n",
               result.known, result.back, result.relaxed);
    gboolean is_good = result.back == result.known && result.relaxed == 0;
    g_free(result.aside);
    return is_good ? 0 : 1;
}
