/* files.h - files appear whole or not at all. */
#pragma once
#include <glib.h>
#include <jansson.h>

/* Makes what was written to @from durable, gives it the name @to, and makes the name durable.
 * A folder: everything in its file system is made durable (syncfs) first. Sets @error
 * (MNB_JOB_ERROR). */
gboolean mnb_files_publish(const char *from, const char *to, GError **error);

/* Writes @text to @path by way of @path.tmp, durable. Sets @error (MNB_JOB_ERROR). */
gboolean mnb_files_write(const char *path, const char *text, gsize size, GError **error);

/* The same for JSON, indented by one space. @object: borrowed. */
gboolean mnb_files_write_json(const char *path, const json_t *object, GError **error);

/* Removes a file, or a folder with everything below it; never follows a symbolic link.
 * What is not there is fine. Sets @error (MNB_JOB_ERROR). */
gboolean mnb_files_remove(const char *path, GError **error);

/* Bytes of all regular files below @path. */
guint64 mnb_files_total_bytes(const char *path);
