#include "server/rooms/report.h"
#include "recordings/session-log.h"
#include "server/rooms/classroom-json.h"
#include "server/rooms/room-state.h"
#include <string.h>

#define LANGUAGE_TAGS_MAX 16
#define HEARD_MAX         400 /* bytes of a cell */

typedef struct {
    char peer[MNB_ID_SIZE];
    MnbRole role;
    gint64 from_us, to_us; /* to_us 0: still there */
    char *how;             /* it ended */
    char heard_now[MNB_LANGUAGE_TAG_SIZE];
    gint64 heard_since_us;
    GString *heard; /* "floor 12; ja 45": minutes, in the order of listening */
} Stay;

typedef struct {
    gint64 at_us;
    char *name, *to, *text;
} Line;

struct MnbReport {
    MnbRoomState *state;
    GTimeZone *zone;
    GPtrArray *stays;    /* Stay */
    GPtrArray *lines;    /* Line: to all and to facilitators */
    GPtrArray *captions; /* MnbCaption of all languages, in order */
    guint peak, hands;
};

/* ------------------------------------------------------------------------------------- reading */

static void stay_free(gpointer data)
{
    Stay *stay = data;
    g_free(stay->how);
    g_string_free(stay->heard, TRUE);
    g_free(stay);
}

static void line_free(gpointer data)
{
    Line *line = data;
    g_free(line->name);
    g_free(line->to);
    g_free(line->text);
    g_free(line);
}

static void caption_free(gpointer data)
{
    g_free(((MnbCaption *)data)->text);
    g_free(data);
}

static Stay *open_stay(MnbReport *report, const char *peer)
{
    for (guint i = report->stays->len; i > 0; i--) {
        Stay *stay = g_ptr_array_index(report->stays, i - 1);
        if (stay->to_us == 0 && strcmp(stay->peer, peer) == 0)
            return stay;
    }
    return NULL;
}

static void begin_stay(MnbReport *report, const MnbPeer *peer, gint64 at_us)
{
    if (peer == NULL || !peer->is_in || open_stay(report, peer->id) != NULL)
        return;
    Stay *stay = g_new0(Stay, 1);
    g_strlcpy(stay->peer, peer->id, sizeof stay->peer);
    stay->role = peer->role;
    stay->from_us = stay->heard_since_us = at_us;
    stay->heard = g_string_new(NULL);
    g_strlcpy(stay->heard_now, peer->hear, sizeof stay->heard_now);
    g_ptr_array_add(report->stays, stay);
    report->peak = MAX(report->peak, mnb_room_state_count(report->state));
}

static gint64 minutes_of(gint64 us)
{
    return (us + 30 * G_USEC_PER_SEC) / (60 * G_USEC_PER_SEC);
}

/* What he listened to until now. A choice that he took back at once is none. */
static void end_hearing(Stay *stay, gint64 at_us)
{
    gint64 minutes = minutes_of(at_us - stay->heard_since_us);
    if (minutes > 0 && stay->heard->len < HEARD_MAX)
        g_string_append_printf(stay->heard, "%s%s %" G_GINT64_FORMAT,
                               stay->heard->len > 0 ? "; " : "",
                               stay->heard_now[0] != '\0' ? stay->heard_now : "floor", minutes);
    stay->heard_since_us = at_us;
}

static void follow_hearing(MnbReport *report, const MnbLogEntry *entry)
{
    Stay *stay = entry->peer != NULL ? open_stay(report, entry->peer) : NULL;
    const MnbPeer *peer = mnb_room_state_peer(report->state, entry->peer);
    if (stay == NULL || peer == NULL || strcmp(stay->heard_now, peer->hear) == 0)
        return;
    end_hearing(stay, entry->at_us);
    g_strlcpy(stay->heard_now, peer->hear, sizeof stay->heard_now);
}

static void end_stay(Stay *stay, gint64 at_us, const char *how)
{
    if (stay == NULL)
        return;
    stay->to_us = at_us;
    end_hearing(stay, at_us);
    stay->how = g_strdup(how);
}

static const char *text_of(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text != NULL ? text : "";
}

static void keep_line(MnbReport *report, const MnbLogEntry *entry)
{
    const MnbChatLine *said = g_queue_peek_tail(&report->state->chat);
    /* What two people write to each other, and the booths, stay theirs. */
    if (said == NULL || said->id != entry->seq ||
        (said->to[0] != '\0' && strcmp(said->to, "facilitators") != 0))
        return;
    Line *line = g_new0(Line, 1);
    line->at_us = said->at_us;
    line->name = g_strdup(said->name);
    line->to = g_strdup(said->to[0] != '\0' ? said->to : "all");
    line->text = g_strdup(said->text);
    g_ptr_array_add(report->lines, line);
}

static void keep_caption(MnbReport *report, const MnbLogEntry *entry)
{
    const MnbCaption *last = g_queue_peek_tail(&report->state->room.captions);
    if (last == NULL || last->id != entry->seq)
        return;
    MnbCaption *caption = g_memdup2(last, sizeof *last);
    caption->text = g_strdup(last->text);
    g_ptr_array_add(report->captions, caption);
}

static gboolean on_entry(const MnbLogEntry *entry, gpointer data, GError **error)
{
    MnbReport *report = data;
    const char *type = entry->type;
    gboolean is_news = mnb_room_state_apply(report->state, entry);
    json_t *body = json_loads(entry->body, 0, NULL);
    if (strcmp(type, "peer-joined") == 0)
        begin_stay(report, mnb_room_state_peer(report->state, entry->peer), entry->at_us);
    else if (strcmp(type, "lobby-admitted") == 0)
        begin_stay(report, mnb_room_state_peer(report->state, text_of(body, "of")), entry->at_us);
    else if (strcmp(type, "peer-left") == 0 && entry->peer != NULL)
        end_stay(open_stay(report, entry->peer), entry->at_us, text_of(body, "reason"));
    else if (strcmp(type, "hear") == 0)
        follow_hearing(report, entry);
    else if (strcmp(type, "chat") == 0 && is_news)
        keep_line(report, entry);
    else if (strcmp(type, "caption") == 0 && is_news)
        keep_caption(report, entry);
    else if (strcmp(type, "hand") == 0 && is_news && json_is_true(json_object_get(body, "raised")))
        report->hands++;
    if (strcmp(type, "session-ended") == 0)
        for (guint i = 0; i < report->stays->len; i++) {
            Stay *stay = g_ptr_array_index(report->stays, i);
            if (stay->to_us == 0)
                end_stay(stay, entry->at_us, "session-ended");
        }
    json_decref(body);
    return TRUE;
}

MnbReport *mnb_report_read(MnbDb *db, const char *session, const char *time_zone, GError **error)
{
    MnbReport *report = g_new0(MnbReport, 1);
    report->state = mnb_room_state_new(session);
    report->zone = g_time_zone_new_identifier(time_zone);
    if (report->zone == NULL)
        report->zone = g_time_zone_new_utc();
    report->stays = g_ptr_array_new_with_free_func(stay_free);
    report->lines = g_ptr_array_new_with_free_func(line_free);
    report->captions = g_ptr_array_new_with_free_func(caption_free);
    if (mnb_session_log_read(db, session, 0, on_entry, report, error))
        return report;
    mnb_report_free(report);
    return NULL;
}

void mnb_report_free(MnbReport *report)
{
    if (report == NULL)
        return;
    mnb_room_state_free(report->state);
    g_time_zone_unref(report->zone);
    g_ptr_array_unref(report->stays);
    g_ptr_array_unref(report->lines);
    g_ptr_array_unref(report->captions);
    g_free(report);
}

/* ----------------------------------------------------------------------------------------- CSV */

void mnb_csv_cell(GString *out, const char *text)
{
    gboolean is_formula = *text != '\0' && strchr("=+-@\t\r", *text) != NULL;
    if (!is_formula && strpbrk(text, "\",\r\n;") == NULL) {
        g_string_append(out, text);
        return;
    }
    g_string_append_c(out, '"');
    if (is_formula)
        g_string_append_c(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            g_string_append_c(out, '"');
        g_string_append_c(out, *text);
    }
    g_string_append_c(out, '"');
}

static GString *begin_csv(const char *heads)
{
    GString *out = g_string_new("\xEF\xBB\xBF");
    g_string_append(out, heads);
    g_string_append(out, "\r\n");
    return out;
}

/* Cells of one line, up to a NULL. */
static void add_line(GString *out, const char *const *cells)
{
    for (guint i = 0; cells[i] != NULL; i++) {
        if (i > 0)
            g_string_append_c(out, ',');
        mnb_csv_cell(out, cells[i]);
    }
    g_string_append(out, "\r\n");
}

static char *time_text(const MnbReport *report, gint64 time_us)
{
    if (time_us == 0)
        return g_strdup("");
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);
    g_autoptr(GDateTime) local = utc != NULL ? g_date_time_to_timezone(utc, report->zone) : NULL;
    return local != NULL ? g_date_time_format(local, "%Y-%m-%d %H:%M:%S %:z") : g_strdup("");
}

static char *attendance(const MnbReport *report)
{
    GString *out = begin_csv("name,affiliation,role,from,to,minutes,ended,heard");
    for (guint i = 0; i < report->stays->len; i++) {
        const Stay *stay = g_ptr_array_index(report->stays, i);
        const MnbPeer *peer = mnb_room_state_peer(report->state, stay->peer);
        g_autofree char *from = time_text(report, stay->from_us);
        g_autofree char *to = time_text(report, stay->to_us);
        g_autofree char *minutes =
            stay->to_us != 0
                ? g_strdup_printf("%" G_GINT64_FORMAT, minutes_of(stay->to_us - stay->from_us))
                : g_strdup("");
        const char *const cells[] = {
            peer->name, peer->affiliation, mnb_role_to_string(stay->role),     from,
            to,         minutes,           stay->how != NULL ? stay->how : "", stay->heard->str,
            NULL};
        add_line(out, cells);
    }
    return g_string_free(out, FALSE);
}

static char *chat(const MnbReport *report)
{
    GString *out = begin_csv("at,name,to,text");
    for (guint i = 0; i < report->lines->len; i++) {
        const Line *line = g_ptr_array_index(report->lines, i);
        g_autofree char *at = time_text(report, line->at_us);
        const char *const cells[] = {at, line->name, line->to, line->text, NULL};
        add_line(out, cells);
    }
    return g_string_free(out, FALSE);
}

static char *questions(const MnbReport *report)
{
    GString *out = begin_csv("at,name,question,votes,state");
    for (guint i = 0; i < report->state->room.questions->len; i++) {
        const MnbQuestion *question = g_ptr_array_index(report->state->room.questions, i);
        g_autofree char *at = time_text(report, question->at_us);
        g_autofree char *votes = g_strdup_printf("%u", g_hash_table_size(question->voters));
        const char *const cells[] = {at,
                                     question->name,
                                     question->text,
                                     votes,
                                     mnb_question_state_to_string(question->state),
                                     NULL};
        add_line(out, cells);
    }
    return g_string_free(out, FALSE);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return g_utf8_collate(*(const char *const *)a, *(const char *const *)b);
}

/* Returns (owned): "" for an anonymous poll. */
static char *who_chose(const MnbReport *report, const MnbPoll *poll, guint option)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GHashTableIter iter;
    gpointer voter, mask;
    g_hash_table_iter_init(&iter, poll->votes);
    while (!poll->is_anonymous && g_hash_table_iter_next(&iter, &voter, &mask)) {
        const MnbPeer *peer = mnb_room_state_peer(report->state, voter);
        if (peer != NULL && (GPOINTER_TO_UINT(mask) & 1u << option) != 0)
            g_ptr_array_add(names, peer->name);
    }
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return g_strjoinv("; ", (char **)names->pdata);
}

static char *polls(const MnbReport *report)
{
    GString *out = begin_csv("poll,option,votes,voters,anonymous,state,who");
    for (guint i = 0; i < report->state->room.polls->len; i++) {
        const MnbPoll *poll = g_ptr_array_index(report->state->room.polls, i);
        for (guint o = 0; o < poll->options->len; o++) {
            g_autofree char *votes = g_strdup_printf("%u", poll->counts[o]);
            g_autofree char *voters = g_strdup_printf("%u", g_hash_table_size(poll->votes));
            g_autofree char *who = who_chose(report, poll, o);
            const char *const cells[] = {poll->text,
                                         g_ptr_array_index(poll->options, o),
                                         votes,
                                         voters,
                                         poll->is_anonymous ? "yes" : "no",
                                         mnb_poll_state_to_string(poll->state),
                                         who,
                                         NULL};
            add_line(out, cells);
        }
    }
    return g_string_free(out, FALSE);
}

/* -------------------------------------------------------------------------------------- WebVTT */

static void add_vtt_time(GString *out, gint64 time_us)
{
    gint64 ms = MAX(time_us, 0) / 1000;
    g_string_append_printf(out, "%02d:%02d:%02d.%03d", (int)(ms / 3600000), (int)(ms / 60000 % 60),
                           (int)(ms / 1000 % 60), (int)(ms % 1000));
}

static char *captions(const MnbReport *report, const char *language)
{
    GString *out = g_string_new("WEBVTT\n");
    gboolean is_any = FALSE;
    for (guint i = 0; i < report->captions->len; i++) {
        const MnbCaption *caption = g_ptr_array_index(report->captions, i);
        if (strcmp(caption->language, language) != 0)
            continue;
        gint64 from = caption->from_us - report->state->started_us;
        gint64 to = MAX(caption->to_us - report->state->started_us, from + G_USEC_PER_SEC);
        g_autofree char *text = g_markup_escape_text(caption->text, -1);
        g_string_append_c(out, '\n');
        add_vtt_time(out, from);
        g_string_append(out, " --> ");
        add_vtt_time(out, to);
        g_string_append_printf(out, "\n%s\n", text);
        is_any = TRUE;
    }
    return g_string_free(out, !is_any);
}

/* --------------------------------------------------------------------------------------- files */

char *mnb_report_file(const MnbReport *report, const char *name, const char **type_out)
{
    static const struct {
        const char *name;
        char *(*make)(const MnbReport *report);
    } files[] = {
        {"attendance.csv", attendance},
        {"chat.csv", chat},
        {"questions.csv", questions},
        {"polls.csv", polls},
    };
    *type_out = "text/csv; charset=utf-8";
    for (guint i = 0; i < G_N_ELEMENTS(files); i++)
        if (strcmp(files[i].name, name) == 0)
            return files[i].make(report);
    if (!g_str_has_prefix(name, "captions-") || !g_str_has_suffix(name, ".vtt"))
        return NULL;
    *type_out = "text/vtt; charset=utf-8";
    gsize head = strlen("captions-");
    g_autofree char *language = g_strndup(name + head, strlen(name) - head - strlen(".vtt"));
    return captions(report, language);
}

/* How many captions of each language. */
static json_t *caption_counts(const MnbReport *report)
{
    json_t *counts = json_object();
    for (guint i = 0; i < report->captions->len; i++) {
        const MnbCaption *caption = g_ptr_array_index(report->captions, i);
        json_int_t before = json_integer_value(json_object_get(counts, caption->language));
        if (before > 0 || json_object_size(counts) < LANGUAGE_TAGS_MAX)
            json_object_set_new(counts, caption->language, json_integer(before + 1));
    }
    return counts;
}

json_t *mnb_report_files(const MnbReport *report)
{
    json_t *files =
        json_pack("[s, s, s, s]", "attendance.csv", "chat.csv", "questions.csv", "polls.csv");
    json_t *languages = caption_counts(report);
    const char *language;
    json_t *count;
    json_object_foreach(languages, language, count)
    {
        g_autofree char *name = g_strdup_printf("captions-%s.vtt", language);
        json_array_append_new(files, json_string(name));
    }
    json_decref(languages);
    return files;
}

static json_t *people_json(const MnbReport *report)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    json_t *roles = json_object();
    for (guint i = 0; i < report->stays->len; i++) {
        const Stay *stay = g_ptr_array_index(report->stays, i);
        const char *role = mnb_role_to_string(stay->role);
        if (g_hash_table_add(seen, (gpointer)stay->peer))
            json_object_set_new(roles, role,
                                json_integer(json_integer_value(json_object_get(roles, role)) + 1));
    }
    return json_pack("{s:i, s:i, s:o}", "total", (int)g_hash_table_size(seen), "peak",
                     (int)report->peak, "by_role", roles);
}

json_t *mnb_report_json(const MnbReport *report)
{
    const MnbClassroom *room = &report->state->room;
    json_t *all = json_array();
    guint answered = 0;
    for (guint i = 0; i < room->polls->len; i++)
        json_array_append_new(all,
                              mnb_classroom_json_poll(g_ptr_array_index(room->polls, i), TRUE));
    for (guint i = 0; i < room->questions->len; i++)
        answered += ((const MnbQuestion *)g_ptr_array_index(room->questions, i))->state ==
                    MNB_QUESTION_ANSWERED;
    return json_pack("{s:o, s:i, s:i, s:{s:i, s:i}, s:o, s:o}", "people", people_json(report),
                     "chat", (int)report->lines->len, "hands", (int)report->hands, "questions",
                     "total", (int)room->questions->len, "answered", (int)answered, "polls", all,
                     "captions", caption_counts(report));
}
