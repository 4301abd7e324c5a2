/* tus-header.h - the header lines of resumable uploads (tus 1.0.0), as bytes from outside.
 *
 * Pure functions without state; any thread. Each is fuzzed (tests/fuzz/fuzz-tus-header.c). */
#pragma once
#include <glib.h>

#define MNB_TUS_METADATA_MAX 4096 /* bytes of Upload-Metadata */
#define MNB_TUS_PAIRS_MAX    16
#define MNB_TUS_ALGORITHMS   "sha1,sha256,sha512,md5" /* for Tus-Checksum-Algorithm */
#define MNB_TUS_DIGEST_MAX   64

/* Upload-Metadata: "name d29ybGQ=,flag,other Zm9v". Names: printable ASCII without blank and comma,
 * none twice; values: base64 of UTF-8 without control characters, or nothing.
 * Returns (owned; char * to char *): NULL when the line is not that. */
GHashTable *mnb_tus_parse_metadata(const char *line);

typedef struct {
    GChecksumType type;
    gsize len; /* bytes of digest */
    guint8 digest[MNB_TUS_DIGEST_MAX];
} MnbTusChecksum;

typedef enum { MNB_TUS_GOOD, MNB_TUS_BAD, MNB_TUS_UNKNOWN_ALGORITHM } MnbTusResult;

/* Upload-Checksum: "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=". */
MnbTusResult mnb_tus_parse_checksum(const char *line, MnbTusChecksum *checksum_out);

/* Upload-Length, Upload-Offset: digits only, up to 2^62. */
gboolean mnb_tus_parse_number(const char *line, gint64 *number_out);
