#include "pipelines/record/reorder.h"

typedef struct {
    GstBuffer *packet; /* owned; NULL: empty */
    gint64 put_us;
} Slot;

struct MnbReorder {
    Slot slots[MNB_REORDER_SLOTS]; /* at seq % MNB_REORDER_SLOTS */
    guint16 next;                  /* sequence number that is handed out next */
    guint n_held;
    gboolean has_next;
    GQueue rest; /* GstBuffer, owned: in order, from before a new sequence */
};

MnbReorder *mnb_reorder_new(void)
{
    MnbReorder *reorder = g_new0(MnbReorder, 1);
    g_queue_init(&reorder->rest);
    return reorder;
}

void mnb_reorder_free(MnbReorder *reorder)
{
    if (reorder == NULL)
        return;
    for (guint i = 0; i < MNB_REORDER_SLOTS; i++)
        gst_clear_buffer(&reorder->slots[i].packet);
    g_queue_clear_full(&reorder->rest, (GDestroyNotify)gst_buffer_unref);
    g_free(reorder);
}

static Slot *slot_of(MnbReorder *reorder, guint16 seq)
{
    return &reorder->slots[seq % MNB_REORDER_SLOTS];
}

/* The packet at the front, or behind the hole there. @lost_out: the width of the hole. */
static GstBuffer *take_first(MnbReorder *reorder, guint *lost_out)
{
    *lost_out = 0;
    if (reorder->n_held == 0)
        return NULL;
    Slot *slot;
    while ((slot = slot_of(reorder, reorder->next))->packet == NULL) {
        reorder->next++;
        (*lost_out)++;
    }
    reorder->next++;
    reorder->n_held--;
    return g_steal_pointer(&slot->packet);
}

void mnb_reorder_restart(MnbReorder *reorder)
{
    guint lost;
    for (GstBuffer *packet; (packet = take_first(reorder, &lost)) != NULL;)
        g_queue_push_tail(&reorder->rest, packet);
    reorder->has_next = FALSE;
}

void mnb_reorder_put(MnbReorder *reorder, guint16 seq, GstBuffer *packet, gint64 now_us)
{
    gint16 ahead = (gint16)(seq - reorder->next);
    if (reorder->has_next && (ahead >= MNB_REORDER_SLOTS || ahead < -MNB_REORDER_SLOTS))
        mnb_reorder_restart(reorder);
    if (!reorder->has_next) {
        reorder->has_next = TRUE;
        reorder->next = seq;
        ahead = 0;
    }
    Slot *slot = slot_of(reorder, seq);
    if (ahead < 0 || slot->packet != NULL) {
        gst_buffer_unref(packet);
        return;
    }
    slot->packet = packet;
    slot->put_us = now_us;
    reorder->n_held++;
}

GstBuffer *mnb_reorder_take(MnbReorder *reorder, gint64 now_us, guint *lost_out)
{
    *lost_out = 0;
    if (!g_queue_is_empty(&reorder->rest))
        return g_queue_pop_head(&reorder->rest);
    if (reorder->n_held == 0)
        return NULL;
    if (slot_of(reorder, reorder->next)->packet == NULL) {
        guint16 seq = reorder->next;
        while (slot_of(reorder, seq)->packet == NULL)
            seq++;
        if (now_us - slot_of(reorder, seq)->put_us < MNB_REORDER_WAIT_US)
            return NULL;
    }
    return take_first(reorder, lost_out);
}

GstBuffer *mnb_reorder_take_rest(MnbReorder *reorder, guint *lost_out)
{
    *lost_out = 0;
    if (!g_queue_is_empty(&reorder->rest))
        return g_queue_pop_head(&reorder->rest);
    return take_first(reorder, lost_out);
}

guint mnb_reorder_held(const MnbReorder *reorder)
{
    return reorder->n_held + g_queue_get_length((GQueue *)&reorder->rest);
}
