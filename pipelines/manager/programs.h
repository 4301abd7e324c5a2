/* programs.h - where our own programs lie: installed, or still in the build tree.
 *
 * In this order: $MANABI_LIBEXEC/NAME; beside the running program as in the build tree
 * (build/server/manabi finds build/server/media/manabi-media and build/pipelines/..); the libexec
 * folder beside the program's own (bin/manabi finds libexec/manabi/..), wherever that was moved to;
 * that of the configured prefix. The build tree comes before the installation, so that a developer
 * who has both runs what was just built. Any thread. */
#pragma once
#include <glib.h>

/* @name: "manabi-media", "manabi-record" ... Returns (owned): an absolute path of an executable
 * file; NULL with MNB_ERROR_MISSING that says where was looked. */
char *mnb_programs_find(const char *name, GError **error);

/* A program of the system: @name is looked up in PATH, then /usr/sbin and /sbin. @package:
 * Debian's, for the error text. Returns (owned), or NULL with MNB_ERROR_MISSING. */
char *mnb_programs_find_system(const char *name, const char *package, GError **error);

/* The built web client (a folder with index.html): $MANABI_WEB_ROOT, build tree, installation.
 * Returns (owned), NULL when there is none. */
char *mnb_programs_find_web_root(void);
