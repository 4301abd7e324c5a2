#include "pipelines/record/command.h"

#include "pipelines/common/lines.h"

#include <string.h>

#define TEXT_MAX 256 /* bytes of a name or an id */
#define FILE_MAX 100
#define FMTP_MAX 32 /* fields */

/* Also a part of a file name: nothing that a path could be made of. */
static gboolean is_file_word(const char *text)
{
    if (text == NULL || *text == '\0' || *text == '.' || strlen(text) > FILE_MAX)
        return FALSE;
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
           strlen(text);
}

/* Fields that the depayloader's caps have of their own are not taken from fmtp. */
static GstStructure *parse_fmtp(json_t *fmtp)
{
    if (!json_is_object(fmtp) || json_object_size(fmtp) == 0)
        return NULL;
    GstStructure *structure = gst_structure_new_empty("fmtp");
    const char *key;
    json_t *value;
    json_object_foreach(fmtp, key, value)
    {
        const char *text = json_string_value(value);
        g_autofree char *number = NULL;
        if (json_is_integer(value))
            text = number = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
        if (is_file_word(key) && g_ascii_isalpha(key[0]) && strchr(key, '.') == NULL &&
            mnb_line_is_text(text, TEXT_MAX) && gst_structure_n_fields(structure) < FMTP_MAX)
            gst_structure_set(structure, key, G_TYPE_STRING, text, NULL);
    }
    return structure;
}

static gboolean is_role(const char *role)
{
    static const char *const roles[] = {"camera", "screen", "microphone", "interpretation", NULL};
    return g_strv_contains(roles, role);
}

typedef struct {
    json_int_t clock_rate, payload_type, channels;
    const char *kind, *codec, *peer, *file, *name, *role, *language;
    json_t *fmtp;
} Fields;

static const char *check(const Fields *fields, MnbTrackConfig *config)
{
    if (!mnb_track_codec_from_name(fields->codec, &config->codec))
        return "codec";
    config->is_video = config->codec != MNB_TRACK_OPUS;
    if (strcmp(fields->kind, config->is_video ? "video" : "audio") != 0)
        return "kind";
    if (fields->clock_rate < 8000 || fields->clock_rate > 192000)
        return "clock_rate";
    if (fields->payload_type < 0 || fields->payload_type > 127)
        return "payload_type";
    if (fields->channels < 1 || fields->channels > 2)
        return "channels";
    if (!is_file_word(fields->file))
        return "file";
    if (!mnb_line_is_text(fields->peer, TEXT_MAX) || *fields->peer == '\0')
        return "peer";
    if (!mnb_line_is_text(fields->name, TEXT_MAX))
        return "name";
    if (!is_role(fields->role))
        return "role";
    if (!mnb_line_is_text(fields->language, TEXT_MAX))
        return "language";
    return NULL;
}

static gboolean parse_add_track(json_t *object, MnbCommand *command, const char **reason_out)
{
    Fields fields = {.channels = 2, .name = "", .language = ""};
    MnbTrackConfig *config = &command->config;
    if (json_unpack(object, "{s:s, s:s, s:I, s:I, s:s, s:s, s?s, s?s, s?s, s?I, s?o}", "kind",
                    &fields.kind, "codec", &fields.codec, "clock_rate", &fields.clock_rate,
                    "payload_type", &fields.payload_type, "peer", &fields.peer, "file",
                    &fields.file, "name", &fields.name, "role", &fields.role, "language",
                    &fields.language, "channels", &fields.channels, "fmtp", &fields.fmtp) != 0) {
        *reason_out = "add-track: a field is missing or of another type";
        return FALSE;
    }
    if (fields.role == NULL)
        fields.role = strcmp(fields.kind, "video") == 0 ? "camera" : "microphone";
    const char *bad = check(&fields, config);
    if (bad != NULL) {
        *reason_out = bad;
        return FALSE;
    }
    config->id = command->track;
    config->clock_rate = (guint32)fields.clock_rate;
    config->payload_type = (guint)fields.payload_type;
    config->channels = (guint)fields.channels;
    config->peer = g_strdup(fields.peer);
    config->name = g_strdup(fields.name);
    config->role = g_strdup(fields.role);
    config->language = g_strdup(fields.language);
    config->file = g_strdup(fields.file);
    config->fmtp = parse_fmtp(fields.fmtp);
    return TRUE;
}

gboolean mnb_command_parse(json_t *object, MnbCommand *command_out, const char **reason_out)
{
    const char *kind = json_string_value(json_object_get(object, "do"));
    *command_out = (MnbCommand){.kind = MNB_COMMAND_STOP};
    if (kind == NULL) {
        *reason_out = "do";
        return FALSE;
    }
    if (strcmp(kind, "stop") == 0)
        return TRUE;
    json_int_t track = json_integer_value(json_object_get(object, "track"));
    if (track < 1 || track > G_MAXUINT32) {
        *reason_out = "track";
        return FALSE;
    }
    command_out->track = (guint32)track;
    if (strcmp(kind, "remove-track") == 0) {
        command_out->kind = MNB_COMMAND_REMOVE_TRACK;
        return TRUE;
    }
    if (strcmp(kind, "add-track") == 0) {
        command_out->kind = MNB_COMMAND_ADD_TRACK;
        return parse_add_track(object, command_out, reason_out);
    }
    *reason_out = "do: there is no such command";
    return FALSE;
}

void mnb_command_clear(MnbCommand *command)
{
    mnb_track_config_clear(&command->config);
}
