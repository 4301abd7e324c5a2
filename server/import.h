/* import.h - brings a film that lies on this machine into the catalogue.
 *
 * The file is copied into the recording's folder by a thread of its own (as a clone where the file
 * system can), made durable, and only then the recording and its transcode job are written to the
 * catalogue: an import that is cut off is to be given again; the next new() removes what it left.
 * Whether it is a film is for manabi-transcode to find out. Main thread. */
#pragma once
#include "recordings/catalog.h"
#include "recordings/event.h"

typedef struct MnbImporter MnbImporter;

/* Strings are copied by add(). */
typedef struct {
    const char *path; /* absolute, a regular file that we can read */
    const char *city;
    const char *area;
    const char *title_en; /* one of the titles is not empty */
    const char *title_ja;
    const char *languages[MNB_LANGUAGES_MAX + 1]; /* BCP 47, NULL-terminated */
    MnbAudience audience;
} MnbImport;

/* @recording (borrowed): id of the new recording, in state processing; NULL when @error is set:
 * MNB_ERROR_INVALID, MNB_ERROR_NOT_FOUND, MNB_ERROR_STORAGE_FULL ... */
typedef void (*MnbImportDone)(const char *recording, const GError *error, gpointer data);

MnbImporter *mnb_importer_new(MnbCatalog *catalog); /* borrowed, outlives it */
void mnb_importer_free(MnbImporter *importer);      /* NULL is fine; cuts off what runs */

/* @done is called once, later or at once. After free() only what is being written to the catalogue
 * is still told. */
void mnb_importer_add(MnbImporter *importer, const MnbImport *import, MnbImportDone done,
                      gpointer data);
