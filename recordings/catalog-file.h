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

/* Copies the catalogue @from, which may be in use by a running server, to @to as it is at one
 * moment. */
gboolean mnb_catalog_file_copy(const char *from, const char *to, GError **error);

typedef struct {
    char *aside;    /* (owned) where the catalogue before lies now; NULL: there was none */
    guint restored; /* recordings in the new one */
    guint known;    /* in the one before; 0 as well when it could not be read */
    guint back;     /* of these in the new one */
    guint relaxed;  /* of these with a wider audience, or no longer withdrawn */
} MnbRebuild;

/* Puts the catalogue aside and makes a new one from manifests alone (what is due is written
 * first, if it can be opened). Lost are events, links, accounts, session logs and the audit log.
 * MNB_ERROR_BUSY while a server runs. */
gboolean mnb_catalog_file_rebuild(MnbStore *store, MnbRebuild *result, GError **error);

/* Microseconds since the newest regular backup was made; G_MAXINT64 if there is none. */
gint64 mnb_catalog_file_backup_age_us(MnbStore *store);

/* Writes a backup now, with a connection of its own, and removes the oldest. Any thread. */
gboolean mnb_catalog_file_back_up(MnbStore *store, GError **error);
