/* scene.h - who is to be seen where at a moment of the film, and painting it. */
#pragma once
#include "pipelines/compose/canvas.h"
#include "pipelines/compose/plan.h"

typedef struct MnbScene MnbScene;

/* @plan: borrowed, outlives the scene. */
MnbScene *mnb_scene_new(const MnbPlan *plan);
void mnb_scene_free(MnbScene *scene); /* NULL is fine */

/* Paints the picture of @at_us, which never goes back, over the whole of @canvas.
 * Returns: FALSE with @error set. */
gboolean mnb_scene_paint(MnbScene *scene, gint64 at_us, MnbPicture *canvas, GError **error);
