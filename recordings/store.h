/* store.h - the state directory: where files lie, and how they appear.
 *
 * The layout is drawn in docs/state-directory.md. Everything the server writes is below it. A file
 * is written under a temporary name, made durable (fsync), and renamed; then its directory is made
 * durable. So a name that is there is whole, after any crash or power cut. Any thread: the object
 * does not change. */
#pragma once

#include <gio/gio.h>

typedef struct MnbStore MnbStore;

typedef enum {
    MNB_STORE_ROOT,       /* STATE */
    MNB_STORE_BACKUPS,    /* STATE/backups: of the catalogue */
    MNB_STORE_RECORDINGS, /* STATE/recordings: one folder a recording */
    MNB_STORE_UPLOADS,    /* STATE/uploads: what is still coming in */
    MNB_STORE_RUN,        /* STATE/run: sockets and lock, emptied by nobody but their owners */
    MNB_STORE_NGINX,      /* STATE/nginx: its config, prefix and temporary files */
    MNB_STORE_LOGS,       /* STATE/logs */
} MnbStoreFolder;

/* Makes the directory and its folders (mode 0700) where they are missing.
 * Errors: MNB_ERROR_STORAGE, saying which path and what to do (wrong owner, read-only, not a
 * directory). */
MnbStore *mnb_store_new(const char *state_dir, GError **error);
void mnb_store_free(MnbStore *self); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbStore, mnb_store_free)

const char *mnb_store_folder(MnbStore *self, MnbStoreFolder folder); /* borrowed, absolute */

/* @folder: what recording.folder holds. @name: path below it ("media/master.m3u8"), or NULL for the
 * folder itself. Returns (owned): absolute path; NULL with MNB_ERROR_INVALID if either has an
 * empty,
 * "." or ".." step, a leading "/", a backslash or a control character. */
char *mnb_store_recording_path(MnbStore *self, const char *folder, const char *name,
                               GError **error);

/* Makes STATE/recordings/<folder>/{tracks,media}; TRUE as well if they are there. */
gboolean mnb_store_create_recording(MnbStore *self, const char *folder, GError **error);

/* Removes a recording's folder with everything in it. TRUE as well if it is not there. */
gboolean mnb_store_remove_recording(MnbStore *self, const char *folder, GError **error);

/* Writes a whole small file: temporary, fsync, rename, fsync of the directory. Mode 0600. */
gboolean mnb_store_write_file(const char *path, const void *data, gsize size, GError **error);

/* Makes the finished file or directory tree @temporary appear as @path (same file system): fsync of
 * every file, rename, fsync of both directories. A directory must not exist at @path yet; a file
 * replaces. */
gboolean mnb_store_publish(const char *temporary, const char *path, GError **error);

/* Bytes that we may still write, or -1 with @error. */
gint64 mnb_store_free_bytes(MnbStore *self, GError **error);

/* MNB_ERROR_STORAGE_FULL, saying how much is missing, if fewer than @bytes + MNB_STORE_MARGIN are
 * free. */
#define MNB_STORE_MARGIN (64 * 1024 * 1024)
gboolean mnb_store_check_space(MnbStore *self, gint64 bytes, GError **error);

/* The reserve: a file of MNB_STORE_RESERVE bytes that is removed when the disk is full, so that the
 * catalogue can still write. keep: makes it if it is missing; FALSE (no error) if there is no room.
 * release: TRUE if there was one. */
#define MNB_STORE_RESERVE (8 * 1024 * 1024)
gboolean mnb_store_keep_reserve(MnbStore *self);
gboolean mnb_store_release_reserve(MnbStore *self);
