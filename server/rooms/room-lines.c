/* The lines of those who are in a room: good, weak or failing, for facilitators and for metrics. */
#include "server/rooms/room.h"

#define METRIC_LINES_MAX 500 /* people told one by one; the sums know all */

static const char *const quality_names[] = {
    [MNB_LINE_UNKNOWN] = "unknown",
    [MNB_LINE_GOOD] = "good",
    [MNB_LINE_WEAK] = "weak",
    [MNB_LINE_FAILING] = "failing",
};

/* The worse of the two directions; nothing for 10 s is worse than all. */
MnbLineQuality mnb_member_line_quality(const MnbMember *member)
{
    guint worst = MNB_LINE_UNKNOWN;
    const MnbTransport *both[] = {member->publish,
                                  member->receiver != NULL ? member->receiver->transport : NULL};
    for (guint i = 0; i < G_N_ELEMENTS(both); i++) {
        if (both[i] == NULL)
            continue;
        guint quality = both[i]->is_silent ? MNB_LINE_FAILING : both[i]->stats.quality;
        worst = MAX(worst, MIN(quality, (guint)MNB_LINE_FAILING));
    }
    return (MnbLineQuality)worst;
}

static json_t *line_json(const MnbMember *member)
{
    const MnbTransportStats *up = member->publish != NULL ? &member->publish->stats : NULL;
    const MnbTransportStats *down =
        member->receiver != NULL ? &member->receiver->transport->stats : NULL;
    if (up == NULL && down == NULL)
        return NULL;
    guint loss = MAX(up != NULL ? up->loss_permille : 0, down != NULL ? down->loss_permille : 0);
    guint rtt = MAX(up != NULL ? up->rtt_ms : 0, down != NULL ? down->rtt_ms : 0);
    /* As the worker counts, in is what the peer sends. */
    guint in = (up != NULL ? up->in_bps : 0) + (down != NULL ? down->in_bps : 0);
    guint out = (up != NULL ? up->out_bps : 0) + (down != NULL ? down->out_bps : 0);
    json_t *line =
        json_pack("{s:s, s:s, s:i, s:i, s:I, s:I}", "peer", member->peer, "state",
                  quality_names[mnb_member_line_quality(member)], "loss_permille", (int)loss,
                  "rtt_ms", (int)rtt, "in_bps", (json_int_t)in, "out_bps", (json_int_t)out);
    if (down != NULL && down->estimate_bps != 0)
        json_object_set_new(line, "estimate_bps", json_integer(down->estimate_bps));
    if (down != NULL)
        json_object_set_new(line, "queue_ms", json_integer(down->queue_ms));
    if (down != NULL && down->paused + down->reduced > 0)
        json_object_set_new(line, "held", json_integer(down->paused + down->reduced));
    return line;
}

void mnb_room_tell_lines(MnbRoom *room)
{
    json_t *peers = json_array();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, room->members);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        json_t *line = line_json(value);
        if (line != NULL)
            json_array_append_new(peers, line);
    }
    if (json_array_size(peers) == 0) {
        json_decref(peers);
        return;
    }
    g_autofree char *text = mnb_room_json_message("line", json_pack("{s:o}", "peers", peers));
    mnb_room_broadcast_split(room, MNB_MAY_MODERATE, text, NULL);
}

/* --------------------------------------------------------------------------------- for metrics */

typedef struct {
    const char *name;
    const char *help;
    guint64 (*value)(const MnbMember *member);
} LineMetric;

static const MnbTransportStats *receive_stats(const MnbMember *member)
{
    static const MnbTransportStats nothing;
    return member->receiver != NULL ? &member->receiver->transport->stats : &nothing;
}

static const MnbTransportStats *publish_stats(const MnbMember *member)
{
    static const MnbTransportStats nothing;
    return member->publish != NULL ? &member->publish->stats : &nothing;
}

static guint64 quality_value(const MnbMember *member)
{
    return mnb_member_line_quality(member);
}

static guint64 loss_value(const MnbMember *member)
{
    return MAX(receive_stats(member)->loss_permille, publish_stats(member)->loss_permille);
}

static guint64 rtt_value(const MnbMember *member)
{
    return MAX(receive_stats(member)->rtt_ms, publish_stats(member)->rtt_ms);
}

static guint64 received_value(const MnbMember *member)
{
    return receive_stats(member)->out_bps;
}

static guint64 sent_value(const MnbMember *member)
{
    return publish_stats(member)->in_bps;
}

static guint64 estimate_value(const MnbMember *member)
{
    return receive_stats(member)->estimate_bps;
}

static const LineMetric metrics[] = {
    {"manabi_line_quality", "0 unknown, 1 good, 2 weak, 3 failing", quality_value},
    {"manabi_line_loss_permille", "Packets lost, worse direction", loss_value},
    {"manabi_line_rtt_milliseconds", "Round trip", rtt_value},
    {"manabi_line_received_bps", "Bits a second that go to the person", received_value},
    {"manabi_line_sent_bps", "Bits a second that come from the person", sent_value},
    {"manabi_line_estimate_bps", "What the line to the person takes; 0: not known", estimate_value},
};

/* Members of all rooms that have media. Borrowed. */
static GPtrArray *collect_members(MnbRooms *rooms)
{
    GPtrArray *members = g_ptr_array_new();
    GHashTableIter iter;
    gpointer room;
    g_hash_table_iter_init(&iter, rooms->by_session);
    while (g_hash_table_iter_next(&iter, NULL, &room)) {
        GHashTableIter inner;
        gpointer value;
        g_hash_table_iter_init(&inner, ((MnbRoom *)room)->members);
        while (g_hash_table_iter_next(&inner, NULL, &value)) {
            const MnbMember *member = value;
            if (member->publish != NULL || member->receiver != NULL)
                g_ptr_array_add(members, value);
        }
    }
    return members;
}

void mnb_rooms_write_line_metrics(MnbRooms *rooms, GString *out)
{
    g_autoptr(GPtrArray) members = collect_members(rooms);
    guint counts[G_N_ELEMENTS(quality_names)] = {0};
    for (guint i = 0; i < members->len; i++)
        counts[mnb_member_line_quality(members->pdata[i])]++;
    g_string_append(out, "# HELP manabi_lines People with media, by their line\n"
                         "# TYPE manabi_lines gauge\n");
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++)
        g_string_append_printf(out, "manabi_lines{state=\"%s\"} %u\n", quality_names[i], counts[i]);
    for (guint m = 0; m < G_N_ELEMENTS(metrics); m++) {
        g_string_append_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", metrics[m].name,
                               metrics[m].help, metrics[m].name);
        for (guint i = 0; i < members->len && i < METRIC_LINES_MAX; i++) {
            const MnbMember *member = members->pdata[i];
            g_string_append_printf(out, "%s{session=\"%s\",peer=\"%s\"} %" G_GUINT64_FORMAT "\n",
                                   metrics[m].name, member->room->state->session, member->peer,
                                   metrics[m].value(member));
        }
    }
}
