/* cli.h - the commands of the `manabi` program besides `serve`.
 *
 * One process may write the catalogue, so these ask the running server over STATE/run/admin.sock
 * (admin.h). Each takes its own arguments (argv[0] is the command's name), prints its result on
 * standard output and what is wrong on standard error. Returns the exit code: 0, 1 (it failed), 2
 * (wrong arguments). */
#pragma once

/* The state directory when none is named: that of script/server if there is one, else the
 * service's. Returns (owned). */
char *mnb_cli_default_state(void);

int mnb_cli_link(int argc, char **argv);   /* manabi link EVENT --role ROLE */
int mnb_cli_token(int argc, char **argv);  /* manabi token --session ID --may publish|receive */
int mnb_cli_user(int argc, char **argv);   /* manabi user add NAME [--admin] */
int mnb_cli_import(int argc, char **argv); /* manabi import FILE --city CODE --area CODE ... */
int mnb_cli_check(int argc, char **argv);  /* manabi check */
int mnb_cli_backup(int argc, char **argv); /* manabi backup --to DIR, --restore DIR */

/* `manabi check --rebuild`. Returns the exit code: 1 as well when a recording did not come back, or
 * came back with wider rights. */
int mnb_cli_rebuild(const char *state);
