/* trees.h - whole folders: removing one, putting one in the place of another. Any thread. */
#pragma once
#include <glib.h>

/* Removes @path and everything below it; follows no link and leaves no other file system. What is
 * not there is fine. Returns 0 or a negative errno. */
int mnb_tree_remove(const char *path);

/* @next becomes @path; what was there becomes @old (which is removed first when it exists). The
 * folder that holds them is made durable. Where the file system can exchange names, @path is there
 * all the time. Returns 0 or a negative errno. */
int mnb_tree_replace(const char *next, const char *path, const char *old);
