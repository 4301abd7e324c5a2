/* scene.h - who is to be seen where at a moment of the film, and painting it. */
#pragma once
#include "pipelines/compose/canvas.h"
#include "pipelines/compose/plan.h"

typedef struct MnbScene MnbScene;

/* @plan: borrowed, outlives the scene. */
MnbScene *mnb_scene_new(const MnbPlan *plan);
void mnb_scene_free(MnbScene *scene); /* NULL is fine */

/* Who has the word from now on: an index into the plan's peers, or G_MAXUINT. */
void mnb_scene_set_speaker(MnbScene *scene, guint peer);

/* Paints the picture of @at_us, which never goes back, on @canvas, which still has what the last
 * call painted there (or nothing before the first). @changed_out: FALSE: it is the same picture.
 * Returns: FALSE with @error set. */
gboolean mnb_scene_paint(MnbScene *scene, gint64 at_us, MnbPicture *canvas, gboolean *changed_out,
                         GError **error);
