#include "pipelines/compose/scene.h"

#include "pipelines/common/job-error.h"
#include "pipelines/common/lines.h"
#include "pipelines/compose/label.h"
#include "pipelines/compose/tile.h"

#include <string.h>

#define OPEN_EARLY_US 300000 /* a file is opened before it is needed, so that nobody waits */
#define STRIP_MAX     36     /* pixels: height of a name below a picture */

typedef struct {
    const MnbPlanPresence *presence;
    MnbRect rect;
} Face;

struct MnbScene {
    const MnbPlan *plan;
    GPtrArray *tiles;   /* MnbTile, owned: files open now */
    guint next_track;   /* of plan->tracks: not opened yet */
    GArray *faces;      /* Face: seen now */
    GHashTable *labels; /* "peer/width/kind" -> MnbLabel, owned */
};

MnbScene *mnb_scene_new(const MnbPlan *plan)
{
    MnbScene *scene = g_new0(MnbScene, 1);
    scene->plan = plan;
    scene->tiles = g_ptr_array_new_with_free_func((GDestroyNotify)mnb_tile_free);
    scene->faces = g_array_new(FALSE, FALSE, sizeof(Face));
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
    g_free(scene);
}

/* ---- who and where ------------------------------------------------------------------------------
 */

static gboolean is_same_set(const GArray *faces, const MnbPlanPresence **seen, int n_seen)
{
    if (faces->len != (guint)n_seen)
        return FALSE;
    for (int i = 0; i < n_seen; i++)
        if (g_array_index(faces, Face, i).presence != seen[i])
            return FALSE;
    return TRUE;
}

/* Screens first, then people, each in order of arrival. Returns: how many. */
static int find_seen(const MnbPlan *plan, gint64 at_us, const MnbPlanPresence **seen)
{
    int n = 0;
    for (int want_screen = 1; want_screen >= 0; want_screen--) {
        for (guint i = 0; i < plan->presences->len && n < MNB_TILES_MAX; i++) {
            const MnbPlanPresence *presence = &g_array_index(plan->presences, MnbPlanPresence, i);
            if (presence->start_us > at_us)
                break;
            if (presence->is_screen == want_screen && at_us <= presence->end_us)
                seen[n++] = presence;
        }
    }
    return n;
}

static const Face *find_face(const MnbScene *scene, const MnbPlanTrack *track)
{
    for (guint i = 0; i < scene->faces->len; i++) {
        const Face *face = &g_array_index(scene->faces, Face, i);
        if (face->presence->peer == track->peer && face->presence->is_screen == track->is_screen)
            return face;
    }
    return NULL;
}

static void arrange(MnbScene *scene, gint64 at_us)
{
    const MnbPlanPresence *seen[MNB_TILES_MAX];
    MnbRect rects[MNB_TILES_MAX];
    int n = find_seen(scene->plan, at_us, seen);
    if (is_same_set(scene->faces, seen, n))
        return;
    if (n > 1 && seen[0]->is_screen)
        mnb_layout_stage(scene->plan->width, scene->plan->height, n, rects);
    else if (n > 0)
        mnb_layout_gallery(scene->plan->width, scene->plan->height, n, rects);
    g_array_set_size(scene->faces, 0);
    for (int i = 0; i < n; i++) {
        Face face = {seen[i], rects[i]};
        g_array_append_val(scene->faces, face);
    }
    for (guint i = 0; i < scene->tiles->len; i++) {
        MnbTile *tile = g_ptr_array_index(scene->tiles, i);
        const Face *face = find_face(scene, mnb_tile_track(tile));
        if (face != NULL)
            mnb_tile_resize(tile, face->rect.width, face->rect.height);
    }
}

/* ---- files --------------------------------------------------------------------------------------
 */

static gboolean open_tile(MnbScene *scene, const MnbPlanTrack *track, GError **error)
{
    const Face *face = find_face(scene, track);
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

static gboolean paint_name(MnbScene *scene, const Face *face, gboolean has_picture,
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

static gboolean paint_face(MnbScene *scene, const Face *face, gint64 at_us, MnbPicture *canvas,
                           GError **error)
{
    MnbTile *shown = NULL;
    for (guint i = 0; i < scene->tiles->len; i++) {
        MnbTile *tile = g_ptr_array_index(scene->tiles, i);
        const MnbPlanTrack *track = mnb_tile_track(tile);
        if (track->peer == face->presence->peer && track->is_screen == face->presence->is_screen &&
            track->start_us <= at_us && mnb_tile_seek(tile, at_us))
            shown = tile; /* the one that began last wins */
    }
    if (shown != NULL)
        mnb_tile_draw(shown, canvas, &face->rect);
    return paint_name(scene, face, shown != NULL, canvas, error);
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

gboolean mnb_scene_paint(MnbScene *scene, gint64 at_us, MnbPicture *canvas, GError **error)
{
    arrange(scene, at_us);
    if (!open_and_close(scene, at_us, error))
        return FALSE;
    mnb_canvas_fill(canvas, &(MnbRect){0, 0, canvas->width, canvas->height}, MNB_COLOUR_GROUND);
    if (scene->faces->len == 0)
        return paint_title(scene, canvas, error);
    for (guint i = 0; i < scene->faces->len; i++)
        if (!paint_face(scene, &g_array_index(scene->faces, Face, i), at_us, canvas, error))
            return FALSE;
    return TRUE;
}
