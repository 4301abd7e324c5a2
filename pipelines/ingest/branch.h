/* branch.h - from one stream of a source to raw pictures or sound: parser and decoder by the name
 * of the codec, from a fixed list. Nothing is chosen by the bytes alone. */
#pragma once
#include "pipelines/ingest/outlet.h"

#define MNB_BRANCH_WIDTH_MAX  4096
#define MNB_BRANCH_HEIGHT_MAX 2304

typedef struct {
    char codec[16];     /* "h264", "aac" ...; "": nobody sends one */
    char unknown[48];   /* what came instead, and is not known here; "": nothing */
    gint width, height; /* of the picture as it came; rate and channels of sound */
    gint frames;        /* atomic: since the start */
    gint is_too_large;  /* atomic: the picture is, and was left out */
} MnbBranchState;

/* Joins @pad (a new one of a demuxer or of rtspsrc) to @outlet: its @kind is found by its caps. A
 * second stream of a kind, and what is unknown, ends in a fakesink. Called in streaming threads,
 * one at a time. @states: of both kinds, outlive @bin. Returns FALSE with @error when an element is
 * missing or does not link. */
gboolean mnb_branch_join(GstBin *bin, GstPad *pad, MnbOutlet *outlet, MnbBranchState states[2],
                         GError **error);
