/* product.h - what belongs to a film: documents (PDF) and links, each for the whole film or for
 * moments of it: the table `product`. They follow the film's audience; their titles are searched
 * with it. A document lies in the recording's folder, products/ID.pdf. */
#pragma once

#include <glib.h>

#include "recordings/db.h"

#define MNB_PRODUCTS_MAX         30 /* of one film */
#define MNB_PRODUCT_MOMENTS_MAX  20
#define MNB_PRODUCT_URL_MAX      2000
#define MNB_PRODUCT_DOCUMENT_MAX (32 * 1024 * 1024) /* bytes */

typedef enum { MNB_PRODUCT_LINK, MNB_PRODUCT_PDF } MnbProductKind;

const char *mnb_product_kind_to_string(MnbProductKind kind);
gboolean mnb_product_kind_parse(const char *text, MnbProductKind *kind);

typedef struct {
    char *id;
    char *recording;
    MnbProductKind kind;
    char *title_en, *title_ja; /* one of them is not empty */
    char *url;                 /* of a link: http or https */
    gint64 bytes;              /* of a document */
    char *moments; /* JSON: [ms, ...] of what was captured, in order; []: the whole film */
} MnbProduct;

MnbProduct *mnb_product_new(void); /* owned; zeroed */
void mnb_product_free(MnbProduct *product);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbProduct, mnb_product_free)

/* In the order in which they were added. Returns (owned): MnbProduct elements. */
GPtrArray *mnb_product_list(MnbDb *db, const char *recording, GError **error);
/* Returns (owned): or NULL with MNB_ERROR_NOT_FOUND. */
MnbProduct *mnb_product_find(MnbDb *db, const char *recording, const char *id, GError **error);

/* An address that may stand in a link: http or https, with a host. */
gboolean mnb_product_url_is_good(const char *url);
/* Do these bytes say that they are a PDF, from the beginning to the end? */
gboolean mnb_product_is_pdf(const void *bytes, gsize len);
/* A list of at most MNB_PRODUCT_MOMENTS_MAX moments in order. */
gboolean mnb_product_moments_are_good(const char *json);

/* Write. Inserts (@product->id is set where it is NULL) or replaces. Errors: MNB_ERROR_INVALID,
 * MNB_ERROR_LIMIT. */
gboolean mnb_product_put(MnbDb *db, MnbProduct *product, gint64 now_us, GError **error);
/* Write. Its file is the caller's to remove. */
gboolean mnb_product_remove(MnbDb *db, const char *recording, const char *id, gint64 now_us,
                            GError **error);
