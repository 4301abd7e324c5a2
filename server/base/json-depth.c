#include "server/base/json-depth.h"

guint mnb_json_depth(const char *text, gsize len)
{
    guint depth = 0;
    guint deepest = 0;
    gboolean is_in_string = FALSE;
    for (gsize i = 0; i < len; i++) {
        char c = text[i];
        if (is_in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                is_in_string = FALSE;
        } else if (c == '"') {
            is_in_string = TRUE;
        } else if (c == '{' || c == '[') {
            depth++;
            deepest = MAX(deepest, depth);
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}
