/* check.h - the parts of `manabi check`. Each prints a line per thing and says whether all is well;
 * what is only worth a thought is a note and does not count. */
#pragma once
#include "server/base/config.h"

/* Prints "ok" or "PROBLEM" with @what and @detail ("" for none). Returns @is_good. */
gboolean mnb_check_say(gboolean is_good, const char *what, const char *detail);

/* Prints a note: works, but look at it. */
void mnb_check_note(const char *what, const char *detail);

/* check-network.c: ports that are in use by others, addresses that browsers cannot reach, a page
 * that browsers give no camera to. */
gboolean mnb_check_network(const MnbConfig *config);

/* check-versions.c: packages that face the network and are older than their last security fix.
 * Where there is no dpkg it is a note. */
gboolean mnb_check_versions(void);
