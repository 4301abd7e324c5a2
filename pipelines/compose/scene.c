#include "pipelines/compose/scene-private.h"

#include "pipelines/common/job-error.h"
#include "pipelines/common/lines.h"

#include <string.h>

#define OPEN_EARLY_US 300000 /* a file is opened before it is needed, so that nobody waits */
#define STRIP_MAX     36     /* pixels: height of a name below a picture */

MnbScene *mnb_scene_new(const MnbPlan *plan)
{
    MnbScene *scene = g_new0(MnbScene, 1);
    scene->plan = plan;
    scene->tiles = g_ptr_array_new_with_free_func((GDestroyNotify)mnb_tile_free);
    scene->speaker = G_MAXUINT;
    scene->bad_pages = g_hash_table_new(NULL, NULL);
    scene->faces = g_array_new(FALSE, FALSE, sizeof(MnbFace));
    scene->labels =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)mnb_label_free);
    return scene;
}

void mnb_scene_free(MnbScene *scene)
{
    if (scene == NULL)
        return;
    g_ptr_array_unref(scene->tiles);
    g_array_unref(scene->faces);
    g_hash_table_unref(scene->labels);
    g_hash_table_unref(scene->bad_pages);
    mnb_page_free(scene->page);
    g_free(scene);
}

/* ---- files --------------------------------------------------------------------------------------
 */

static gboolean open_tile(MnbScene *scene, const MnbPlanTrack *track, GError **error)
{
    const MnbFace *face = mnb_scene_find_face(scene, track);
    int width = face != NULL ? face->rect.width : scene->plan->width / 2 & ~1;
    int height = face != NULL ? face->rect.height : scene->plan->height / 2 & ~1;
    MnbTile *tile = mnb_tile_new(track, width, height, error);
    if (tile == NULL)
        return FALSE;
    g_ptr_array_add(scene->tiles, tile);
    return TRUE;
}

static gboolean open_and_close(MnbScene *scene, gint64 at_us, GError **error)
{
    for (guint i = scene->tiles->len; i > 0; i--) {
        const MnbPlanTrack *track = mnb_tile_track(g_ptr_array_index(scene->tiles, i - 1));
        if (track->end_us + (gint64)G_USEC_PER_SEC < at_us)
            g_ptr_array_remove_index(scene->tiles, i - 1);
    }
    for (; scene->next_track < scene->plan->tracks->len; scene->next_track++) {
        const MnbPlanTrack *track = g_ptr_array_index(scene->plan->tracks, scene->next_track);
        if (track->start_us > at_us + OPEN_EARLY_US)
            break;
        if (track->is_video && track->end_us >= at_us && !open_tile(scene, track, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- painting -----------------------------------------------------------------------------------
 */

typedef enum { LABEL_STRIP, LABEL_CARD, LABEL_TITLE } LabelKind;

static MnbLabel *find_label(MnbScene *scene, guint peer, const char *text, int width, int height,
                            LabelKind kind, GError **error)
{
    g_autofree char *key = g_strdup_printf("%u/%d/%d/%d", peer, width, height, kind);
    MnbLabel *label = g_hash_table_lookup(scene->labels, key);
    if (label != NULL)
        return label;
    int size_px = kind == LABEL_STRIP ? height * 2 / 3 : CLAMP(height / 8, 10, 56);
    MnbColour ground = kind == LABEL_CARD    ? MNB_COLOUR_CARD
                       : kind == LABEL_TITLE ? MNB_COLOUR_GROUND
                                             : (MnbColour){16, 128, 128};
    label = mnb_label_new(text, size_px, width, height, ground, error);
    if (label != NULL)
        g_hash_table_insert(scene->labels, g_steal_pointer(&key), label);
    return label;
}

static gboolean paint_name(MnbScene *scene, const MnbFace *face, gboolean has_picture,
                           MnbPicture *canvas, GError **error)
{
    const MnbPlanPeer *peer = g_ptr_array_index(scene->plan->peers, face->presence->peer);
    const MnbRect *rect = &face->rect;
    if (!has_picture) {
        MnbLabel *card = find_label(scene, face->presence->peer, peer->name, rect->width,
                                    rect->height, LABEL_CARD, error);
        if (card == NULL)
            return FALSE;
        mnb_label_draw(card, canvas, rect->x, rect->y);
        return TRUE;
    }
    if (*peer->name == '\0')
        return TRUE;
    int height = CLAMP(rect->height / 10, 14, STRIP_MAX) & ~1;
    int width = MIN(mnb_label_width(peer->name, height * 2 / 3) + height, rect->width) & ~1;
    MnbLabel *strip =
        find_label(scene, face->presence->peer, peer->name, width, height, LABEL_STRIP, error);
    if (strip == NULL)
        return FALSE;
    mnb_label_write(strip, canvas, rect->x, rect->y + rect->height - height, height / 3);
    return TRUE;
}

/* Only what is another picture than before is drawn. */
static gboolean paint_face(MnbScene *scene, MnbFace *face, gint64 at_us, MnbPicture *canvas,
                           gboolean *changed, GError **error)
{
    MnbTile *shown = NULL;
    for (guint i = 0; i < scene->tiles->len; i++) {
        MnbTile *tile = g_ptr_array_index(scene->tiles, i);
        const MnbPlanTrack *track = mnb_tile_track(tile);
        if (track->peer == face->presence->peer && track->is_screen == face->presence->is_screen &&
            track->start_us <= at_us && mnb_tile_seek(tile, at_us))
            shown = tile; /* the one that began last wins */
    }
    guint64 picture = shown != NULL ? mnb_tile_picture(shown) : MNB_PICTURE_CARD;
    if (face->painted == picture)
        return TRUE;
    face->painted = picture;
    *changed = TRUE;
    if (shown != NULL)
        mnb_tile_draw(shown, canvas, &face->rect);
    return paint_name(scene, face, shown != NULL, canvas, error);
}

/* A page that cannot be read is as if it were not shown. */
static void load_page(MnbScene *scene, gint64 at_us)
{
    g_autoptr(GError) error = NULL;
    while (scene->shown != NULL && scene->page == NULL) {
        const MnbRect *rect = &scene->page_rect;
        scene->page = mnb_page_new(scene->shown->image, rect->width, rect->height, &error);
        if (scene->page != NULL)
            return;
        mnb_lines_warn("damaged-page", "a page of slides is left out: %s", error->message);
        g_clear_error(&error);
        g_hash_table_add(scene->bad_pages, (gpointer)scene->shown);
        mnb_scene_arrange(scene, at_us);
    }
}

static gboolean paint_title(MnbScene *scene, MnbPicture *canvas, GError **error)
{
    const MnbPlan *plan = scene->plan;
    g_autofree char *text = g_strdup_printf(
        "%s%s%s", plan->title_ja, *plan->title_ja != '\0' && *plan->title_en != '\0' ? "\n" : "",
        plan->title_en);
    if (*text == '\0')
        return TRUE;
    int height = plan->height / 2 & ~1;
    MnbLabel *label = find_label(scene, 0, text, plan->width, height, LABEL_TITLE, error);
    if (label == NULL)
        return FALSE;
    mnb_label_draw(label, canvas, 0, plan->height / 4);
    return TRUE;
}

void mnb_scene_set_speaker(MnbScene *scene, guint peer)
{
    scene->speaker = peer;
}

gboolean mnb_scene_paint(MnbScene *scene, gint64 at_us, MnbPicture *canvas, gboolean *changed_out,
                         GError **error)
{
    *changed_out = FALSE;
    mnb_scene_arrange(scene, at_us);
    load_page(scene, at_us);
    if (!open_and_close(scene, at_us, error))
        return FALSE;
    gboolean is_empty = scene->faces->len == 0 && scene->page == NULL;
    if (!scene->is_painted) {
        *changed_out = scene->is_painted = TRUE;
        mnb_canvas_fill(canvas, &(MnbRect){0, 0, canvas->width, canvas->height}, MNB_COLOUR_GROUND);
        if (scene->page != NULL)
            mnb_page_draw(scene->page, canvas, scene->page_rect.x, scene->page_rect.y);
        if (is_empty && !paint_title(scene, canvas, error))
            return FALSE;
    }
    for (guint i = 0; i < scene->faces->len; i++)
        if (!paint_face(scene, &g_array_index(scene->faces, MnbFace, i), at_us, canvas, changed_out,
                        error))
            return FALSE;
    return TRUE;
}
