/* Who is to be seen where: the part of scene.h that reads the plan.
 *
 *   slides or a screen: large on the stage, people beside it; of the two the one that came last
 *   more than GALLERY_MAX people: who has the word on the stage
 *   else: a gallery */
#include "pipelines/compose/scene-private.h"

#define GALLERY_MAX 4

typedef struct {
    const MnbPlanPresence *seen[MNB_TILES_MAX];
    int n;
    const MnbPlanPage *page; /* on the stage; NULL: none */
    gboolean has_stage;      /* of those seen, the first one is large */
} Arrangement;

static gboolean is_same(const MnbScene *scene, const Arrangement *wanted)
{
    if (scene->faces->len != (guint)wanted->n || scene->shown != wanted->page)
        return FALSE;
    for (int i = 0; i < wanted->n; i++)
        if (g_array_index(scene->faces, MnbFace, i).presence != wanted->seen[i])
            return FALSE;
    return TRUE;
}

/* Screens first, then people, each in order of arrival. */
static void find_seen(const MnbPlan *plan, gint64 at_us, Arrangement *wanted)
{
    for (int want_screen = 1; want_screen >= 0; want_screen--) {
        for (guint i = 0; i < plan->presences->len && wanted->n < MNB_TILES_MAX - 1; i++) {
            const MnbPlanPresence *presence = &g_array_index(plan->presences, MnbPlanPresence, i);
            if (presence->start_us > at_us)
                break;
            if (presence->is_screen == want_screen && at_us <= presence->end_us)
                wanted->seen[wanted->n++] = presence;
        }
    }
}

/* Who has the word comes first. */
static void put_speaker_first(const MnbScene *scene, Arrangement *wanted)
{
    for (int i = 0; i < wanted->n; i++) {
        const MnbPlanPresence *speaker = wanted->seen[i];
        if (speaker->peer != scene->speaker)
            continue;
        for (int k = i; k > 0; k--)
            wanted->seen[k] = wanted->seen[k - 1];
        wanted->seen[0] = speaker;
        wanted->has_stage = TRUE;
        return;
    }
}

static void decide(const MnbScene *scene, gint64 at_us, Arrangement *wanted)
{
    *wanted = (Arrangement){0};
    find_seen(scene->plan, at_us, wanted);
    const MnbPlanPage *page = mnb_plan_find_page(scene->plan, at_us);
    if (page != NULL && g_hash_table_contains(scene->bad_pages, page))
        page = NULL;
    gboolean has_screen = wanted->n > 0 && wanted->seen[0]->is_screen;
    if (page != NULL && !(has_screen && wanted->seen[0]->start_us > page->start_us))
        wanted->page = page;
    else if (has_screen)
        wanted->has_stage = wanted->n > 1;
    else if (wanted->n > GALLERY_MAX)
        put_speaker_first(scene, wanted);
}

const MnbFace *mnb_scene_find_face(const MnbScene *scene, const MnbPlanTrack *track)
{
    for (guint i = 0; i < scene->faces->len; i++) {
        const MnbFace *face = &g_array_index(scene->faces, MnbFace, i);
        if (face->presence->peer == track->peer && face->presence->is_screen == track->is_screen)
            return face;
    }
    return NULL;
}

static void resize_tiles(MnbScene *scene)
{
    for (guint i = 0; i < scene->tiles->len; i++) {
        MnbTile *tile = g_ptr_array_index(scene->tiles, i);
        const MnbFace *face = mnb_scene_find_face(scene, mnb_tile_track(tile));
        if (face != NULL)
            mnb_tile_resize(tile, face->rect.width, face->rect.height);
    }
}

void mnb_scene_arrange(MnbScene *scene, gint64 at_us)
{
    Arrangement wanted;
    MnbRect rects[MNB_TILES_MAX];
    const MnbPlan *plan = scene->plan;
    decide(scene, at_us, &wanted);
    if (is_same(scene, &wanted))
        return;
    int on_stage = wanted.page != NULL, n = wanted.n + on_stage;
    if (n > 1 && (on_stage || wanted.has_stage))
        mnb_layout_stage(plan->width, plan->height, n, rects);
    else if (on_stage)
        rects[0] = (MnbRect){0, 0, plan->width, plan->height};
    else if (n > 0)
        mnb_layout_gallery(plan->width, plan->height, n, rects);
    g_array_set_size(scene->faces, 0);
    for (int i = 0; i < wanted.n; i++) {
        MnbFace face = {wanted.seen[i], rects[i + on_stage], MNB_PICTURE_NONE};
        g_array_append_val(scene->faces, face);
    }
    if (scene->shown != wanted.page)
        g_clear_pointer(&scene->page, mnb_page_free);
    scene->shown = wanted.page;
    if (on_stage) {
        if (scene->page_rect.width != rects[0].width || scene->page_rect.height != rects[0].height)
            g_clear_pointer(&scene->page, mnb_page_free);
        scene->page_rect = rects[0];
    }
    scene->is_painted = FALSE;
    resize_tiles(scene);
}
