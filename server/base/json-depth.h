/* json-depth.h - how deep a JSON text is nested, told before it is parsed.
 *
 * jansson takes 2048 levels and recurses into each; what we read from outside has a handful. Any
 * bytes may be given: strings are passed over, nothing is judged. Any thread. */
#pragma once
#include <glib.h>

/* Returns: the most objects and arrays that are open at once in @text. */
guint mnb_json_depth(const char *text, gsize len);
