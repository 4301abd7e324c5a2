/* scene-private.h - what the two halves of scene.h share: who is where, and painting it. */
#pragma once
#include "pipelines/compose/label.h"
#include "pipelines/compose/page.h"
#include "pipelines/compose/plan-pages.h"
#include "pipelines/compose/scene.h"
#include "pipelines/compose/tile.h"

#define MNB_PICTURE_NONE G_MAXUINT64 /* nothing is painted there yet */
#define MNB_PICTURE_CARD 0           /* the card of somebody without picture */

typedef struct {
    const MnbPlanPresence *presence;
    MnbRect rect;
    guint64 painted; /* mnb_tile_picture(), or one of the above */
} MnbFace;

struct MnbScene {
    const MnbPlan *plan;
    GPtrArray *tiles;         /* MnbTile, owned: files open now */
    guint next_track;         /* of plan->tracks: not opened yet */
    GArray *faces;            /* MnbFace: seen now */
    GHashTable *labels;       /* "peer/width/kind" -> MnbLabel, owned */
    guint speaker;            /* index of a peer; G_MAXUINT: nobody */
    const MnbPlanPage *shown; /* the page that is seen; NULL: none */
    MnbRect page_rect;
    MnbPage *page;         /* owned: its picture */
    GHashTable *bad_pages; /* const MnbPlanPage *: could not be read */
    gboolean is_painted;   /* the canvas has what is where now */
};

/* Decides who and what is seen where at @at_us. When that changed, nothing is painted any more. */
void mnb_scene_arrange(MnbScene *scene, gint64 at_us);

/* Returns (borrowed): where the track is seen; NULL: nowhere. */
const MnbFace *mnb_scene_find_face(const MnbScene *scene, const MnbPlanTrack *track);
