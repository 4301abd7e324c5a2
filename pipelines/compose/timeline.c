#include "pipelines/compose/timeline.h"

#include "pipelines/common/files.h"

#define PAUSE_US  (2 * (gint64)G_USEC_PER_SEC) /* a shorter silence is a breath */
#define SHORT_US  (1 * (gint64)G_USEC_PER_SEC) /* a shorter sound is a cough */
#define SPANS_MAX 20000

typedef struct {
    guint peer;
    gint64 start_us, end_us;
} Span;

struct MnbTimeline {
    const MnbPlan *plan;
    GArray *open;   /* Span by peer: what goes on; start_us -1: silent */
    GArray *spoken; /* Span */
    guint speaker;
};

MnbTimeline *mnb_timeline_new(const MnbPlan *plan)
{
    MnbTimeline *timeline = g_new0(MnbTimeline, 1);
    timeline->plan = plan;
    timeline->speaker = G_MAXUINT;
    timeline->open = g_array_new(FALSE, FALSE, sizeof(Span));
    timeline->spoken = g_array_new(FALSE, FALSE, sizeof(Span));
    for (guint i = 0; i < plan->peers->len; i++) {
        Span none = {i, -1, -1};
        g_array_append_val(timeline->open, none);
    }
    return timeline;
}

void mnb_timeline_free(MnbTimeline *timeline)
{
    if (timeline == NULL)
        return;
    g_array_unref(timeline->open);
    g_array_unref(timeline->spoken);
    g_free(timeline);
}

static void close_span(MnbTimeline *timeline, Span *open)
{
    if (open->start_us >= 0 && open->end_us - open->start_us >= SHORT_US &&
        timeline->spoken->len < SPANS_MAX)
        g_array_append_val(timeline->spoken, *open);
    open->start_us = -1;
}

void mnb_timeline_speaks(MnbTimeline *timeline, guint peer, gint64 at_us)
{
    if (peer >= timeline->open->len)
        return;
    Span *open = &g_array_index(timeline->open, Span, peer);
    if (open->start_us >= 0 && at_us - open->end_us > PAUSE_US)
        close_span(timeline, open);
    if (open->start_us < 0)
        open->start_us = at_us;
    open->end_us = at_us;
}

guint mnb_timeline_speaker(MnbTimeline *timeline, gint64 at_us)
{
    const Span *best = NULL;
    for (guint i = 0; i < timeline->open->len; i++) {
        const Span *open = &g_array_index(timeline->open, Span, i);
        gboolean speaks = open->start_us >= 0 && at_us - open->end_us <= PAUSE_US;
        if (speaks && i == timeline->speaker)
            return i;
        if (speaks && open->end_us - open->start_us >= SHORT_US &&
            (best == NULL || open->start_us < best->start_us))
            best = open;
    }
    if (best != NULL)
        timeline->speaker = best->peer;
    return timeline->speaker;
}

static json_t *span(guint peer, gint64 start_us, gint64 end_us)
{
    return json_pack("{s:i, s:I, s:I}", "peer", (int)peer, "start_us", (json_int_t)start_us,
                     "end_us", (json_int_t)end_us);
}

static gint by_start(gconstpointer a, gconstpointer b)
{
    const Span *x = a, *y = b;
    return x->start_us < y->start_us ? -1 : x->start_us > y->start_us;
}

gboolean mnb_timeline_write(MnbTimeline *timeline, const char *path, GError **error)
{
    const MnbPlan *plan = timeline->plan;
    json_t *parts = json_array(), *peers = json_array();
    json_t *seen = json_array(), *spoke = json_array(), *channels = json_array();
    for (guint i = 0; i < timeline->open->len; i++)
        close_span(timeline, &g_array_index(timeline->open, Span, i));
    g_array_sort(timeline->spoken, by_start);
    for (guint i = 0; i < plan->parts->len; i++) {
        const MnbPlanPart *part = &g_array_index(plan->parts, MnbPlanPart, i);
        json_array_append_new(parts,
                              json_pack("{s:I, s:I, s:I, s:I}", "part", (json_int_t)part->number,
                                        "started_unix_us", (json_int_t)part->unix_us, "at_us",
                                        (json_int_t)part->start_us, "duration_us",
                                        (json_int_t)part->duration_us));
    }
    for (guint i = 0; i < plan->peers->len; i++) {
        const MnbPlanPeer *peer = g_ptr_array_index(plan->peers, i);
        json_array_append_new(peers, json_pack("{s:s, s:s}", "id", peer->id, "name", peer->name));
    }
    for (guint i = 0; i < plan->presences->len && i < SPANS_MAX; i++) {
        const MnbPlanPresence *presence = &g_array_index(plan->presences, MnbPlanPresence, i);
        json_t *item = span(presence->peer, presence->start_us, presence->end_us);
        json_object_set_new(item, "is_screen", json_boolean(presence->is_screen));
        json_array_append_new(seen, item);
    }
    for (guint i = 0; i < timeline->spoken->len; i++) {
        const Span *each = &g_array_index(timeline->spoken, Span, i);
        json_array_append_new(spoke, span(each->peer, each->start_us, each->end_us));
    }
    for (guint i = 0; i < plan->channels->len; i++)
        json_array_append_new(channels, json_string(g_ptr_array_index(plan->channels, i)));
    json_t *all = json_pack("{s:i, s:I, s:o, s:o, s:o, s:o, s:o}", "version", 1, "duration_us",
                            (json_int_t)plan->end_us, "parts", parts, "peers", peers, "seen", seen,
                            "spoke", spoke, "channels", channels);
    gboolean ok = mnb_files_write_json(path, all, error);
    json_decref(all);
    return ok;
}
