/* router.h - which handler answers a method and a path; the type of the table in routes.c.
 *
 * A pattern is literal steps and parameters: "/api/v1/events/{event}/links". A parameter is one id
 * (26 characters, ids.h); "{path...}" at the end takes the rest, undecoded. Paths are compared as
 * they are on the wire: nothing that we serve needs an escape, so an escaped path finds nothing.
 * Pure functions over a table; any thread.
 */
#pragma once
#include "server/access/permissions.h"
#include <glib.h>

#define MNB_ROUTE_PARAMS_MAX 2

typedef struct MnbHttpRequest MnbHttpRequest;

/* What the request's body has to be. */
typedef enum {
    MNB_BODY_NONE,         /* a body is read and ignored */
    MNB_BODY_JSON,         /* application/json */
    MNB_BODY_SDP,          /* application/sdp */
    MNB_BODY_SDP_FRAGMENT, /* application/trickle-ice-sdpfrag (RFC 8840) */
    MNB_BODY_PDF,          /* application/pdf, up to MNB_SLIDES_BYTES_MAX, with a ticket */
    MNB_BODY_CAPTIONS,     /* application/octet-stream, up to MNB_CAPTION_FILE_MAX */
    MNB_BODY_DOCUMENT,     /* application/pdf, up to MNB_PRODUCT_DOCUMENT_MAX */
    MNB_BODY_STREAM /* application/offset+octet-stream (tus), of any size: begin() takes it */
} MnbBodyKind;

/* Where a permission has to hold: what the first parameter is. Staff's permissions hold everywhere,
 * those of a link in its own event only. */
typedef enum {
    MNB_SCOPE_NONE,     /* only staff can pass */
    MNB_SCOPE_EVENT,    /* {event} */
    MNB_SCOPE_SESSION,  /* {session} */
    MNB_SCOPE_LINK,     /* {link}: the event that it belongs to */
    MNB_SCOPE_RECORDING /* {recording}: the event that it is of */
} MnbScope;

typedef enum {
    MNB_ROUTE_ANYONE = 1 << 0,    /* no permission asked: the handler looks at who asks */
    MNB_ROUTE_BEARER = 1 << 1,    /* a role or media link's token only; cookies do not count */
    MNB_ROUTE_CORS = 1 << 2,      /* pages of other origins may call it (with their bearer token) */
    MNB_ROUTE_LOOPBACK = 1 << 3,  /* only for whoever is on this machine */
    MNB_ROUTE_CACHEABLE = 1 << 4, /* the handler says Cache-Control; else no-store */
    MNB_ROUTE_TUS = 1 << 5        /* wants Tus-Resumable; OPTIONS tells what we can */
} MnbRouteFlags;

typedef struct {
    const char *method; /* "GET" answers HEAD as well */
    const char *pattern;
    MnbPermission needs; /* when not MNB_ROUTE_ANYONE */
    MnbScope scope;
    MnbBodyKind body;
    unsigned flags;
    void (*run)(MnbHttpRequest *request);
    /* At the headers, when everything was checked, before the first byte of the body; NULL:
     * nothing. May answer, and run() is not called then. */
    void (*begin)(MnbHttpRequest *request);
} MnbRoute;

typedef struct {
    const MnbRoute *route; /* NULL: not found, or the method does not fit */
    unsigned flags;        /* of the routes on this path */
    char allow[64];        /* methods of this path, for Allow; "" when there is no such path */
    char params[MNB_ROUTE_PARAMS_MAX][32]; /* ids, in the order of the pattern */
    const char *rest;                      /* (borrowed from path) of "{path...}" */
} MnbRouteMatch;

/* @routes: @n of them, those of one path side by side. @path: as on the wire, without the query. */
void mnb_router_match(const MnbRoute *routes, gsize n, const char *method, const char *path,
                      MnbRouteMatch *match_out);
