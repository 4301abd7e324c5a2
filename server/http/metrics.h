/* metrics.h - lines of the Prometheus text format (version 0.0.4).
 *
 *     mnb_metrics_head(text, "manabi_jobs", "gauge", "Jobs by state.");
 *     mnb_metrics_value(text, "manabi_jobs", "state=\"waiting\"", 3);
 *
 * Names and labels are the caller's own constants: nothing that a person or a client wrote goes in.
 */
#pragma once
#include <glib.h>

/* @type: "gauge" or "counter". @help: one line. */
void mnb_metrics_head(GString *text, const char *name, const char *type, const char *help);
/* @labels: without braces; NULL: none. */
void mnb_metrics_value(GString *text, const char *name, const char *labels, guint64 value);
