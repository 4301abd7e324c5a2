/* text-encoding.h - text files as offices write them, made UTF-8. Pure; any thread.
 *
 * A byte order mark decides; else what is valid UTF-8 is UTF-8; else what converts whole (iconv) of
 * the encodings that Japanese offices use, with uchardet as the judge where several do; last the
 * Western one that takes nearly anything. */
#pragma once
#include <glib.h>

/* @encoding_out: static name ("UTF-8", "UTF-16LE", "CP932", "EUC-JP", ...); NULL allowed.
 * Returns (owned): valid UTF-8 without a byte order mark or NUL; NULL when it is no text. */
char *mnb_text_to_utf8(const void *bytes, gsize len, const char **encoding_out);
