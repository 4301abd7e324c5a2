/* admin.h - the socket by which the command line asks the running server: STATE/run/admin.sock.
 *
 * Mode 0600, and only our own user and root are answered (SO_PEERCRED). One connection is one
 * request, a JSON line of at most 64 KiB, answered by one JSON line:
 *
 *   {"do":"link","event":ID,"role":"participant","label":"","expires_s":0}   -> {"ok":true,"url":U}
 *   {"do":"token","session":ID,"may":"publish"}                     -> {"ok":true,"token":T}
 *   {"do":"tokens","session":ID}  -> {"ok":true,"tokens":[{"id","may","label","uses","created_s",
 *                                     "expires_s","revoked_s"}]}; null: never
 *   {"do":"token-revoke","id":ID}                                   -> {"ok":true,"id":ID}
 *   {"do":"user","name":"Mika","is_admin":false}                    -> {"ok":true,"url":U}
 *   {"do":"user-disable","name":"Mika"}, "user-enable"              -> {"ok":true,"name":"Mika"}
 *   {"do":"import","path":"/abs","city":"40100","area":"...","title_en":"","title_ja":"",
 *    "languages":["en"],"audience":"public"}                        -> {"ok":true,"recording":ID}
 *   {"do":"recording","recording":ID}  -> {"ok":true,"state":"processing","permille":430,
 *                                          "code":null,"reason":null}
 *   anything that fails                -> {"ok":false,"error":"what is wrong"}
 *
 * Main thread; nothing blocks (an import is copied by a thread of its own). */
#pragma once
#include <glib.h>

#include "recordings/catalog.h"

typedef struct MnbAdmin MnbAdmin;

#define MNB_ADMIN_LINE_MAX 65536 /* bytes of a request or an answer */

typedef struct {
    MnbCatalog *catalog;                                      /* borrowed, outlives it */
    const char *public_url;                                   /* start of links; copied */
    void (*on_jobs_changed)(gpointer data);                   /* a job was added */
    void (*on_link_revoked)(const char *link, gpointer data); /* who came in by it has to go */
    gpointer data;
} MnbAdminOptions;

/* Returns (owned), or NULL with @error when the socket cannot be made. */
MnbAdmin *mnb_admin_new(const MnbAdminOptions *options, GError **error);

/* Imports under way are cut off. NULL is fine. */
void mnb_admin_free(MnbAdmin *admin);
