/* main.c - the manabi program: which command, nothing else. */
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "server/base/log.h"
#include "server/cli.h"
#include "server/serve.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"serve", mnb_serve, "run the server"},
    {"link", mnb_cli_link, "make a link by which people come into an event"},
    {"token", mnb_cli_token, "make a bearer token for WHIP or WHEP"},
    {"user", mnb_cli_user, "make staff accounts and their sign-in links, keep one out"},
    {"import", mnb_cli_import, "bring a film into the catalogue"},
    {"backup", mnb_cli_backup, "copy all that a server has, while it runs; restore it"},
    {"check", mnb_cli_check, "say what this machine lacks"},
};

static void print_usage(FILE *out)
{
    fprintf(out, "usage: manabi COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\nmanabi COMMAND --help tells more.\n");
}

/* Titles are given on the command line in two languages. A machine that was never told its language
 * has ASCII only; UTF-8 is meant then. */
static void start_locale(void)
{
    if (setlocale(LC_ALL, "") == NULL || strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
    start_locale();
    signal(SIGPIPE, SIG_IGN);
    mnb_log_start();
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("manabi %s\n", MNB_VERSION);
        return 0;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "manabi: there is no command '%s'\n\n", argv[1]);
    print_usage(stderr);
    return 2;
}
