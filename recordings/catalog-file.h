/* catalog-file.h - the file of the catalogue: lock, check, restore, backups. Part of catalog.h. */
#pragma once

#include "recordings/catalog.h"

/* Takes the lock that keeps a second process out. Returns: a descriptor to close at the end, or -1
 * with MNB_ERROR_BUSY or MNB_ERROR_STORAGE. */
int mnb_catalog_file_lock(MnbStore *store, GError **error);

char *mnb_catalog_file_path(MnbStore *store); /* owned */

/* Opens for writing, checked and migrated. @was_restored: the file was taken from a backup or made
 * anew though there were recordings, so manifests must be read. */
MnbDb *mnb_catalog_file_open(MnbStore *store, MnbCatalogFlags flags, gboolean *was_restored,
                             GError **error);

/* Microseconds since the newest regular backup was made; G_MAXINT64 if there is none. */
gint64 mnb_catalog_file_backup_age_us(MnbStore *store);

/* Writes a backup now, with a connection of its own, and removes the oldest. Any thread. */
gboolean mnb_catalog_file_back_up(MnbStore *store, GError **error);
