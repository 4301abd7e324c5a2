#include "server/http/metrics.h"

void mnb_metrics_head(GString *text, const char *name, const char *type, const char *help)
{
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void mnb_metrics_value(GString *text, const char *name, const char *labels, guint64 value)
{
    if (labels != NULL)
        g_string_append_printf(text, "%s{%s} %" G_GUINT64_FORMAT "\n", name, labels, value);
    else
        g_string_append_printf(text, "%s %" G_GUINT64_FORMAT "\n", name, value);
}
