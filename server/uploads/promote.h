/* promote.h - a whole film with a whole form becomes a recording: part of uploads.h.
 *
 * The file moves into the recording's folder (a rename), then one transaction makes the recording,
 * its visit and its transcode job, and marks the upload as used. A kill between the two is made
 * good by doing it again. Main thread; the file is moved in a thread. */
#pragma once
#include "recordings/catalog.h"
#include "recordings/upload.h"

/* @done is called once in the main context. */
void mnb_promote(MnbCatalog *catalog, const MnbUpload *upload,
                 void (*done)(const GError *error, gpointer data), gpointer data);
