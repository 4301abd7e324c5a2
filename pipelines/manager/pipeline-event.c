#include "pipelines/manager/pipeline-event.h"

#include <string.h>

#include "server/base/error.h"

#define EVENT_LINE_MAX 65536
#define DEPTH_MAX      16

static const struct {
    const char *name;
    MnbPipelineKind kind;
} kinds[] = {
    {"missing-plugin", MNB_PIPELINE_MISSING_PLUGIN},
    {"warning", MNB_PIPELINE_WARNING},
    {"progress", MNB_PIPELINE_PROGRESS},
    {"failed", MNB_PIPELINE_FAILED},
    {"done", MNB_PIPELINE_DONE},
    {"ready", MNB_PIPELINE_READY},
    {"track-file", MNB_PIPELINE_TRACK_FILE},
    {"track-closed", MNB_PIPELINE_TRACK_CLOSED},
    {"written", MNB_PIPELINE_WRITTEN},
    {"gap", MNB_PIPELINE_GAP},
    {"need-key-frame", MNB_PIPELINE_NEED_KEY_FRAME},
    {"slow-disk", MNB_PIPELINE_SLOW_DISK},
    {"disk-full", MNB_PIPELINE_DISK_FULL},
    {"disk-free", MNB_PIPELINE_DISK_FREE},
    {"bad-media", MNB_PIPELINE_BAD_MEDIA},
    {"repaired", MNB_PIPELINE_REPAIRED},
    {"stopped", MNB_PIPELINE_STOPPED},
};

/* jansson's own limit is 2048 levels; ours is counted before it parses. */
static gboolean is_shallow(const char *line, gsize length)
{
    guint depth = 0;
    gboolean is_text = FALSE;
    for (gsize i = 0; i < length; i++) {
        if (is_text) {
            if (line[i] == '\\')
                i++;
            else if (line[i] == '"')
                is_text = FALSE;
        } else if (line[i] == '"') {
            is_text = TRUE;
        } else if (line[i] == '{' || line[i] == '[') {
            if (++depth > DEPTH_MAX)
                return FALSE;
        } else if ((line[i] == '}' || line[i] == ']') && depth > 0) {
            depth--;
        }
    }
    return TRUE;
}

static gboolean is_code(const char *text)
{
    return strlen(text) < MNB_PIPELINE_CODE_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text);
}

/* At most so many bytes, cut between characters, without control characters. */
static char *make_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL)
        return g_strdup("");
    char *copy = g_strndup(text, MNB_PIPELINE_REASON_MAX);
    const char *end;
    if (!g_utf8_validate(copy, -1, &end))
        copy[end - copy] = '\0';
    for (char *at = copy; *at != '\0'; at++) {
        if ((guchar)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    }
    return copy;
}

/* A whole number of [min, max], fallback where it is missing or anything else. */
static gint64 number(const json_t *object, const char *key, gint64 min, gint64 max, gint64 fallback)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        return fallback;
    gint64 integer = json_integer_value(value);
    return integer >= min && integer <= max ? integer : fallback;
}

static gboolean set_invalid(GError **error, const char *reason)
{
    g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "line of a pipeline program: %s", reason);
    return FALSE;
}

static gboolean parse_object(const char *line, gsize length, json_t **out, GError **error)
{
    json_error_t problem;
    if (length >= EVENT_LINE_MAX)
        return set_invalid(error, "too long");
    if (!is_shallow(line, length))
        return set_invalid(error, "nested too deeply");
    *out = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
    if (*out == NULL)
        return set_invalid(error, problem.text);
    if (json_is_object(*out) && json_is_string(json_object_get(*out, "event")))
        return TRUE;
    json_decref(*out);
    return set_invalid(error, "no object with an event");
}

MnbPipelineEvent *mnb_pipeline_event_parse(const char *line, gsize length, GError **error)
{
    json_t *object = NULL;
    if (!parse_object(line, length, &object, error))
        return NULL;
    MnbPipelineEvent *event = g_new0(MnbPipelineEvent, 1);
    const char *name = json_string_value(json_object_get(object, "event"));
    const char *code = json_string_value(json_object_get(object, "code"));
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            event->kind = kinds[i].kind;
    }
    event->object = object;
    if (code != NULL && is_code(code))
        g_strlcpy(event->code, code, sizeof event->code);
    event->reason = make_text(object, "reason");
    event->element = make_text(object, "element");
    event->package = make_text(object, "package");
    event->permille = (int)number(object, "permille", 0, 1000, 0);
    event->eta_s = (int)number(object, "eta_s", -1, G_MAXINT32, -1);
    event->track = (guint32)number(object, "track", 0, G_MAXUINT32, 0);
    event->bytes = (guint64)number(object, "bytes", 0, G_MAXINT64, 0);
    event->lost_packets = (guint64)number(object, "lost_packets", 0, G_MAXINT64, 0);
    event->gap_packets = (guint64)number(object, "gap_packets", 0, G_MAXINT64, 0);
    event->packets = (guint64)number(object, "packets", 0, G_MAXINT64, 0);
    event->started_unix_us = number(object, "started_unix_us", 0, G_MAXINT64, 0);
    event->duration_us = number(object, "duration_us", 0, G_MAXINT64, 0);
    return event;
}

void mnb_pipeline_event_free(MnbPipelineEvent *event)
{
    if (event == NULL)
        return;
    json_decref(event->object);
    g_free(event->reason);
    g_free(event->element);
    g_free(event->package);
    g_free(event);
}

gboolean mnb_pipeline_may_retry(const char *code)
{
    static const char *const final[] = {"bad-job",   "missing-plugin", "not-a-film",
                                        "no-tracks", "too-large",      "damaged"};
    for (guint i = 0; i < G_N_ELEMENTS(final); i++) {
        if (strcmp(final[i], code) == 0)
            return FALSE;
    }
    return TRUE;
}
