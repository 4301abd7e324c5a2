/* demo.h - what somebody sees who starts the server for the first time: an administrator and a
 * ready-made event, with links to try them. */
#pragma once
#include "recordings/catalog.h"

/* Makes the administrator account and the demonstration event where they are missing (an ended
 * demonstration gets a new session), makes fresh links, which live for a week and leave earlier
 * ones alone, and prints them on standard output with a QR code of the participants' link.
 * Blocks; at start only. */
gboolean mnb_demo_print(MnbCatalog *catalog, const char *public_url, GError **error);
