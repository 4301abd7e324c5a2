/* serve.h - `manabi serve`: arguments, signals, and the parent that starts the server again. */
#pragma once

/* @argv[0] is "serve". Returns the exit code: 0 after an orderly stop, 1 when it could not start,
 * 2 for wrong arguments. */
int mnb_serve(int argc, char **argv);
