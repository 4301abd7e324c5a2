#include "pipelines/compose/plan-pages.h"

#include "pipelines/common/job-error.h"
#include "pipelines/common/lines.h"

#include <stdlib.h>
#include <string.h>

#define TRACKS_MAX       4000
#define PARTS_MAX        200
#define DURATION_MAX_US  (24 * 3600 * (gint64)G_USEC_PER_SEC)
#define HOLE_MAX_US      (3 * (gint64)G_USEC_PER_SEC) /* between two parts; a longer one ... */
#define HOLE_SHORT_US    (1 * (gint64)G_USEC_PER_SEC) /* ... becomes this */
#define PRESENCE_HOLE_US (2 * (gint64)G_USEC_PER_SEC) /* shorter absences do not move the tiles */

static void track_free(gpointer data)
{
    MnbPlanTrack *track = data;
    g_free(track->path);
    g_free(track->codec);
    g_free(track);
}

static void peer_free(gpointer data)
{
    MnbPlanPeer *peer = data;
    g_free(peer->id);
    g_free(peer->name);
    g_free(peer);
}

void mnb_plan_free(MnbPlan *plan)
{
    if (plan == NULL)
        return;
    g_ptr_array_unref(plan->tracks);
    g_ptr_array_unref(plan->peers);
    g_array_unref(plan->presences);
    g_array_unref(plan->parts);
    g_ptr_array_unref(plan->channels);
    g_ptr_array_unref(plan->pages);
    g_free(plan->title_en);
    g_free(plan->title_ja);
    g_free(plan->out);
    g_free(plan);
}

static gboolean set_bad(GError **error, const char *what)
{
    g_set_error(error, MNB_JOB_ERROR, MNB_JOB_BAD_JOB, "job: %s", what);
    return FALSE;
}

static guint find_peer(MnbPlan *plan, const char *id, const char *name, json_t *names)
{
    for (guint i = 0; i < plan->peers->len; i++)
        if (strcmp(((MnbPlanPeer *)g_ptr_array_index(plan->peers, i))->id, id) == 0)
            return i;
    const char *other = json_string_value(json_object_get(names, id));
    MnbPlanPeer *peer = g_new0(MnbPlanPeer, 1);
    peer->id = g_strdup(id);
    peer->name = g_strdup(other != NULL ? other : name);
    g_ptr_array_add(plan->peers, peer);
    return plan->peers->len - 1;
}

/* ---- parts --------------------------------------------------------------------------------------
 */

typedef struct {
    json_t *json; /* owned */
    gint64 number, unix_us, mono_us, duration_us;
    const char *boot_id; /* inside json */
    gint64 film_us;      /* where its time 0 is on the film's time line */
} Part;

static void part_clear(gpointer data)
{
    json_decref(((Part *)data)->json);
}

static gboolean load_part(const char *dir, gint64 number, GArray *parts, GError **error)
{
    g_autofree char *path = g_strdup_printf("%s/part-%d.json", dir, (int)number);
    json_error_t json_error;
    Part part = {.number = number,
                 .json = json_load_file(path, JSON_REJECT_DUPLICATES, &json_error)};
    json_int_t version = 0, unix_us = 0, mono_us = 0, duration_us = 0;
    if (json_unpack(part.json, "{s:I, s:I, s:I, s:I, s:s}", "version", &version, "started_unix_us",
                    &unix_us, "started_mono_us", &mono_us, "duration_us", &duration_us, "boot_id",
                    &part.boot_id) != 0 ||
        version != 1 || duration_us < 0 || duration_us > DURATION_MAX_US) {
        json_decref(part.json);
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_IO, "%s cannot be read: %s", path,
                    json_error.text);
        return FALSE;
    }
    part.unix_us = unix_us;
    part.mono_us = mono_us;
    part.duration_us = duration_us;
    g_array_append_val(parts, part);
    return TRUE;
}

static gint compare_parts(gconstpointer a, gconstpointer b)
{
    const Part *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static gboolean list_parts(const char *dir, json_t *wanted, GArray *parts, GError **error)
{
    if (json_is_array(wanted)) {
        for (size_t i = 0; i < json_array_size(wanted) && i < PARTS_MAX; i++)
            if (!load_part(dir, json_integer_value(json_array_get(wanted, i)), parts, error))
                return FALSE;
    } else {
        GDir *folder = g_dir_open(dir, 0, error);
        if (folder == NULL)
            return FALSE;
        gboolean ok = TRUE;
        for (const char *name; ok && (name = g_dir_read_name(folder)) != NULL;) {
            char *end;
            if (!g_str_has_prefix(name, "part-") || parts->len >= PARTS_MAX)
                continue;
            long number = strtol(name + strlen("part-"), &end, 10);
            if (number > 0 && strcmp(end, ".json") == 0)
                ok = load_part(dir, number, parts, error);
        }
        g_dir_close(folder);
        if (!ok)
            return FALSE;
    }
    g_array_sort(parts, compare_parts);
    return TRUE;
}

/* The clock of the wall may have been set; the monotonic one is right within one boot. */
static void place_parts(GArray *parts)
{
    for (guint i = 1; i < parts->len; i++) {
        Part *before = &g_array_index(parts, Part, i - 1);
        Part *part = &g_array_index(parts, Part, i);
        gboolean is_same_boot = strcmp(before->boot_id, part->boot_id) == 0;
        gint64 apart_us =
            is_same_boot ? part->mono_us - before->mono_us : part->unix_us - before->unix_us;
        gint64 hole_us = apart_us - before->duration_us;
        if (hole_us > HOLE_MAX_US)
            hole_us = HOLE_SHORT_US;
        part->film_us = before->film_us + before->duration_us + MAX(hole_us, 0);
    }
}

/* ---- tracks -------------------------------------------------------------------------------------
 */

static gboolean is_useful(const char *state)
{
    return strcmp(state, "complete") == 0 || strcmp(state, "repaired") == 0 ||
           strcmp(state, "doubtful") == 0;
}

/* Returns: 0, the floor, for a language that cannot be. */
static guint find_channel(MnbPlan *plan, const char *language)
{
    for (guint i = 1; i < plan->channels->len; i++)
        if (g_ascii_strcasecmp(g_ptr_array_index(plan->channels, i), language) == 0)
            return i;
    if (*language == '\0' || strlen(language) > 35 || plan->channels->len >= MNB_PLAN_CHANNELS_MAX)
        return 0;
    g_ptr_array_add(plan->channels, g_strdup(language));
    return plan->channels->len - 1;
}

static gboolean is_inside(const char *file)
{
    return *file != '/' && strstr(file, "..") == NULL;
}

static gboolean add_track(MnbPlan *plan, const char *dir, const Part *part, json_t *json,
                          json_t *names, GError **error)
{
    const char *peer, *name = "", *kind, *role = "", *language = "", *codec, *file, *state;
    json_int_t offset_us, duration_us;
    if (json_unpack(json, "{s:s, s?s, s:s, s?s, s?s, s:s, s:s, s:s, s:I, s:I}", "peer", &peer,
                    "name", &name, "kind", &kind, "role", &role, "language", &language, "codec",
                    &codec, "file", &file, "state", &state, "offset_us", &offset_us, "duration_us",
                    &duration_us) != 0)
        return set_bad(error, "a track of a part is not as it should be");
    gboolean is_video = strcmp(kind, "video") == 0;
    gboolean is_interpretation = strcmp(role, "interpretation") == 0;
    if (!is_useful(state) || (is_interpretation && (is_video || *language == '\0')))
        return TRUE;
    if (!is_inside(file))
        return set_bad(error, "a track of a part has a bad name");
    if (offset_us < 0 || duration_us < 0 || offset_us > DURATION_MAX_US ||
        duration_us > DURATION_MAX_US) {
        mnb_lines_warn("damaged-track", "%s is at an impossible time and left out", file);
        return TRUE;
    }
    if (plan->tracks->len >= TRACKS_MAX) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_TOO_LARGE, "more than %d track files",
                    TRACKS_MAX);
        return FALSE;
    }
    MnbPlanTrack *track = g_new0(MnbPlanTrack, 1);
    track->path = g_build_filename(dir, file, NULL);
    track->codec = g_strdup(codec);
    /* Who interprets is heard, not seen. */
    track->peer = is_interpretation ? G_MAXUINT : find_peer(plan, peer, name, names);
    track->is_video = is_video;
    track->channel = is_interpretation ? find_channel(plan, language) : 0;
    track->is_screen = strcmp(role, "screen") == 0;
    track->shift_us = part->film_us;
    track->start_us = part->film_us + offset_us;
    track->end_us = track->start_us + duration_us;
    g_ptr_array_add(plan->tracks, track);
    return TRUE;
}

static gint compare_tracks(gconstpointer a, gconstpointer b)
{
    const MnbPlanTrack *x = *(MnbPlanTrack *const *)a, *y = *(MnbPlanTrack *const *)b;
    return x->start_us < y->start_us ? -1 : x->start_us > y->start_us;
}

/* The film begins with the first frame or sound. */
static void move_to_zero(MnbPlan *plan)
{
    gint64 first_us = ((MnbPlanTrack *)g_ptr_array_index(plan->tracks, 0))->start_us;
    for (guint i = 0; i < plan->tracks->len; i++) {
        MnbPlanTrack *track = g_ptr_array_index(plan->tracks, i);
        track->shift_us -= first_us;
        track->start_us -= first_us;
        track->end_us -= first_us;
        plan->end_us = MAX(plan->end_us, track->end_us);
    }
    for (guint i = 0; i < plan->parts->len; i++)
        g_array_index(plan->parts, MnbPlanPart, i).start_us -= first_us;
}

/* Tracks come by start, so each continues the last presence of its peer or begins a new one. A
 * screen is there only while its own track is. */
static void find_presences(MnbPlan *plan)
{
    for (guint i = 0; i < plan->tracks->len; i++) {
        const MnbPlanTrack *track = g_ptr_array_index(plan->tracks, i);
        MnbPlanPresence *last = NULL;
        if (track->peer == G_MAXUINT)
            continue;
        for (guint k = 0; k < plan->presences->len; k++) {
            MnbPlanPresence *presence = &g_array_index(plan->presences, MnbPlanPresence, k);
            if (presence->peer == track->peer && presence->is_screen == track->is_screen)
                last = presence;
        }
        if (last != NULL && track->start_us - last->end_us <= PRESENCE_HOLE_US) {
            last->end_us = MAX(last->end_us, track->end_us);
            continue;
        }
        MnbPlanPresence presence = {track->peer, track->is_screen, track->start_us, track->end_us};
        g_array_append_val(plan->presences, presence);
    }
}

/* ---- the job ------------------------------------------------------------------------------------
 */

static gboolean parse_job(const json_t *job, MnbPlan *plan, const char **dir, json_t **parts,
                          json_t **names, GError **error)
{
    const char *out = NULL, *title_en = "", *title_ja = "";
    const char *language = "";
    json_t *keep = NULL;
    int width = 1280, height = 720, fps = 25;
    if (json_unpack((json_t *)job, "{s:s, s:s, s?i, s?i, s?i, s?s, s?s, s?o, s?o, s?o, s?s}", "dir",
                    dir, "out", &out, "width", &width, "height", &height, "fps", &fps, "title_en",
                    &title_en, "title_ja", &title_ja, "parts", parts, "names", names, "keep_us",
                    &keep, "language", &language) != 0)
        return set_bad(error, "a field is missing or of another type");
    if (width < 320 || width > 1920 || height < 180 || height > 1080 || width % 2 != 0 ||
        height % 2 != 0)
        return set_bad(error, "width or height");
    if (fps < 5 || fps > 30)
        return set_bad(error, "fps");
    if (!mnb_film_edit_parse(keep, 1, &plan->edit))
        return set_bad(error, "keep_us");
    plan->out = g_strdup(out);
    plan->width = width;
    plan->height = height;
    plan->fps = fps;
    plan->title_en = g_utf8_make_valid(title_en, -1);
    plan->title_ja = g_utf8_make_valid(title_ja, -1);
    g_ptr_array_add(plan->channels, g_strndup(language, 35));
    return TRUE;
}

static gboolean collect(MnbPlan *plan, const char *dir, json_t *wanted, json_t *names,
                        GError **error)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Part));
    g_array_set_clear_func(parts, part_clear);
    if (!list_parts(dir, wanted, parts, error))
        return FALSE;
    place_parts(parts);
    for (guint i = 0; i < parts->len; i++) {
        const Part *part = &g_array_index(parts, Part, i);
        MnbPlanPart place = {part->number, part->unix_us, part->film_us, part->duration_us};
        g_array_append_val(plan->parts, place);
        size_t k;
        json_t *track;
        json_array_foreach(
            json_object_get(part->json, "tracks"), k,
            track) if (!add_track(plan, dir, part, track, names, error)) return FALSE;
    }
    if (plan->tracks->len == 0) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_NO_TRACKS, "there is no track to compose");
        return FALSE;
    }
    return TRUE;
}

/* To what there is. Returns: whether anything is left. */
static gboolean clip_edit(MnbPlan *plan)
{
    MnbFilmEdit *edit = &plan->edit;
    plan->is_whole = edit->n == 0;
    if (edit->n == 0)
        edit->ranges[edit->n++] = (MnbFilmRange){0, plan->end_us};
    while (edit->n > 0 && edit->ranges[edit->n - 1].start_us >= plan->end_us)
        edit->n--;
    if (edit->n == 0)
        return FALSE;
    MnbFilmRange *last = &edit->ranges[edit->n - 1];
    last->end_us = MIN(last->end_us, plan->end_us);
    return last->end_us > last->start_us;
}

MnbPlan *mnb_plan_new(const json_t *job, GError **error)
{
    const char *dir = NULL;
    json_t *parts = NULL, *names = NULL, *pages = json_object_get(job, "pages");
    g_autoptr(MnbPlan) plan = g_new0(MnbPlan, 1);
    plan->tracks = g_ptr_array_new_with_free_func(track_free);
    plan->peers = g_ptr_array_new_with_free_func(peer_free);
    plan->presences = g_array_new(FALSE, FALSE, sizeof(MnbPlanPresence));
    plan->parts = g_array_new(FALSE, FALSE, sizeof(MnbPlanPart));
    plan->channels = g_ptr_array_new_with_free_func(g_free);
    plan->pages = g_ptr_array_new_with_free_func(mnb_plan_page_free);
    if (!parse_job(job, plan, &dir, &parts, &names, error) ||
        !collect(plan, dir, parts, names, error))
        return NULL;
    g_ptr_array_sort(plan->tracks, compare_tracks);
    move_to_zero(plan);
    find_presences(plan);
    if (!mnb_plan_add_pages(plan, json_string_value(json_object_get(job, "slides")), pages))
        return set_bad(error, "pages"), NULL;
    if (!clip_edit(plan)) {
        g_set_error(error, MNB_JOB_ERROR, MNB_JOB_NO_TRACKS, "nothing is left after the cuts");
        return NULL;
    }
    return g_steal_pointer(&plan);
}
