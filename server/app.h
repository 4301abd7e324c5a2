/* app.h - the running server: builds every object once, owns it, and takes it down in order.
 *
 *   store -> catalogue -> front door (port bound) -> media pool -> jobs -> rooms
 *         -> http, signalling, admin socket -> nginx -> ready
 *
 * Main thread. Nothing here is global: a test can make two in one process. */
#pragma once
#include "server/base/config.h"

typedef struct MnbApp MnbApp;

/* Builds and starts everything; blocks until it is built (some 100 ms). @config: borrowed, outlives
 * the app. @prints_links: on the first screen, links to a demonstration event (demo.h).
 * Returns (owned), or NULL with @error: one line for the operator that says what is in the way. */
MnbApp *mnb_app_new(const MnbConfig *config, gboolean prints_links, GError **error);

/* Runs the main loop until stop() has done its work. Prints `ready URL` on standard output when it
 * serves. Returns the exit code. */
int mnb_app_run(MnbApp *app);

/* Begins an orderly stop; again: no more waiting. Running recordings are closed, clients are told
 * to come back, within server.stop_timeout_s. */
void mnb_app_stop(MnbApp *app);

void mnb_app_free(MnbApp *app); /* NULL is fine */
