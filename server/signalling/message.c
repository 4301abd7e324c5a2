#include "server/signalling/message.h"
#include "server/base/ids.h"
#include "server/base/json-depth.h"
#include "server/rooms/rooms.h"
#include "server/signalling/message-fields.h"
#include "server/signalling/message-tables.h"
#include <jansson.h>
#include <string.h>

#define LIMIT_KBIT_MAX 100000
#define ID_MAX         G_GINT64_CONSTANT(9007199254740991) /* what JavaScript counts exactly */

static gboolean fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean fail(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_BAD_MESSAGE, text);
    return FALSE;
}

static gboolean too_many(GError **error, const char *what, guint max)
{
    g_set_error(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_TOO_MANY, "%s: at most %u", what, max);
    return FALSE;
}

/* json_unpack_ex() with JSON_STRICT: fields that are not named are an error. Its words name the
 * field. */
static gboolean unpack(json_t *root, GError **error, const char *format, ...)
{
    json_error_t why;
    va_list args;
    va_start(args, format);
    int result = json_vunpack_ex(root, &why, JSON_STRICT, format, args);
    va_end(args);
    if (result != 0) {
        g_autofree char *text = g_utf8_make_valid(why.text, -1);
        return fail(error, "%s", text);
    }
    return TRUE;
}

/* --------------------------------------------------------------------------------------- texts */

static gboolean is_mid(const char *text)
{
    gsize len = strlen(text);
    if (len == 0 || len >= MNB_MID_MAX)
        return FALSE;
    for (const char *c = text; *c != '\0'; c++)
        if (!g_ascii_isprint(*c) || *c == ' ')
            return FALSE;
    return TRUE;
}

static gboolean take_peer(MnbRequest *request, const char *peer, GError **error)
{
    if (!mnb_id_is_valid(peer))
        return fail(error, "peer is not an id");
    request->peer = g_strdup(peer);
    return TRUE;
}

static gboolean take_source(const char *name, MnbSource *source, GError **error)
{
    return mnb_source_parse(name, source) ||
           fail(error, "source is none of microphone, camera, screen");
}

static gboolean take_consent(const char *name, MnbConsent *consent, GError **error)
{
    return (mnb_consent_parse(name, consent) && *consent != MNB_CONSENT_UNASKED) ||
           fail(error, "consent is neither yes nor no");
}

/* --------------------------------------------------------------------------------------- hello */

static gboolean parse_hello(json_t *root, MnbMessage *message, GError **error)
{
    const char *kind, *token, *name;
    const char *affiliation = "";
    const char *language = "";
    const char *resume = NULL;
    const char *consent = NULL;
    json_int_t id;
    if (!unpack(root, error, "{s:s, s:I, s:s, s:s, s?s, s?s, s?s, s?s}", "kind", &kind, "id", &id,
                "token", &token, "name", &name, "affiliation", &affiliation, "language", &language,
                "resume", &resume, "consent", &consent))
        return FALSE;
    MnbHello *hello = message->hello = g_new0(MnbHello, 1);
    hello->id = id;
    hello->name = mnb_message_take_text(name, "name", 0, MNB_NAME_MAX, FALSE, error);
    if (hello->name == NULL)
        return FALSE;
    hello->affiliation =
        mnb_message_take_text(affiliation, "affiliation", 0, MNB_AFFILIATION_MAX, FALSE, error);
    if (hello->affiliation == NULL)
        return FALSE;
    if (!mnb_message_is_language(language))
        return fail(error, "language is not a language tag");
    if (consent != NULL && !take_consent(consent, &hello->consent, error))
        return FALSE;
    if (strlen(token) > 512)
        return fail(error, "token is too long");
    hello->token = g_strdup(token);
    hello->language = g_strdup(language);
    /* One of another server or session opens nothing; it must not keep anybody out. */
    hello->resume = resume != NULL && mnb_token_is_valid(resume) ? g_strdup(resume) : NULL;
    return TRUE;
}

/* ------------------------------------------------------------------------------------ requests */

static gboolean parse_plain(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind;
    json_int_t id;
    return unpack(root, error, "{s:s, s:I}", "kind", &kind, "id", &id);
}

static gboolean parse_record(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind;
    json_int_t id;
    return unpack(root, error, "{s:s, s:I, s:b}", "kind", &kind, "id", &id, "on", &request->is_on);
}

static gboolean take_recipient(MnbRequest *request, const char *to, GError **error)
{
    gboolean is_booth = g_str_has_prefix(to, "booth:");
    if (strcmp(to, "all") == 0)
        return TRUE;
    if (strcmp(to, "facilitators") != 0 && !mnb_id_is_valid(to) &&
        !(is_booth && to[6] != '\0' && mnb_message_is_language(to + 6)))
        return fail(error, "to is none of all, facilitators, a peer, booth:LANGUAGE");
    request->to = g_strdup(to);
    return TRUE;
}

static gboolean parse_chat(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind, *text, *key;
    const char *to = NULL;
    json_int_t id;
    if (!unpack(root, error, "{s:s, s:I, s:s, s:s, s?s}", "kind", &kind, "id", &id, "text", &text,
                "key", &key, "to", &to))
        return FALSE;
    if (to != NULL && !take_recipient(request, to, error))
        return FALSE;
    if (!mnb_message_is_key(key))
        return fail(error, "key is not 1 to %d printable ASCII characters", MNB_CHAT_KEY_MAX);
    request->key = g_strdup(key);
    request->text = mnb_message_take_text(text, "text", 1, MNB_CHAT_MAX, TRUE, error);
    return request->text != NULL;
}

static gboolean parse_hand(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind;
    const char *peer = NULL;
    json_int_t id;
    return unpack(root, error, "{s:s, s:I, s:b, s?s}", "kind", &kind, "id", &id, "raised",
                  &request->is_on, "peer", &peer) &&
           (peer == NULL || take_peer(request, peer, error));
}

static gboolean parse_publish_track(json_t *item, MnbRequestTrack *track, GError **error)
{
    const char *mid, *source;
    int is_on = TRUE;
    if (!unpack(item, error, "{s:s, s:s, s?b}", "mid", &mid, "source", &source, "is_on", &is_on))
        return FALSE;
    if (!is_mid(mid))
        return fail(error, "mid is not 1 to %d printable characters", MNB_MID_MAX - 1);
    g_strlcpy(track->mid, mid, sizeof track->mid);
    track->is_on = is_on;
    return take_source(source, &track->source, error);
}

static gboolean parse_publish(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind, *sdp;
    json_int_t id;
    json_t *tracks;
    if (!unpack(root, error, "{s:s, s:I, s:s, s:o}", "kind", &kind, "id", &id, "sdp", &sdp,
                "tracks", &tracks))
        return FALSE;
    if (!json_is_array(tracks))
        return fail(error, "tracks is not an array");
    if (json_array_size(tracks) > MNB_SDP_MEDIA_MAX)
        return too_many(error, "tracks", MNB_SDP_MEDIA_MAX);
    request->track_count = (guint)json_array_size(tracks);
    for (guint i = 0; i < request->track_count; i++)
        if (!parse_publish_track(json_array_get(tracks, i), &request->tracks[i], error))
            return FALSE;
    request->text = g_strdup(sdp);
    return TRUE;
}

static gboolean parse_track(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind, *source;
    json_int_t id;
    return unpack(root, error, "{s:s, s:I, s:s, s:b}", "kind", &kind, "id", &id, "source", &source,
                  "is_on", &request->is_on) &&
           take_source(source, &request->source, error);
}

static gboolean parse_subscribe(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind;
    json_int_t id, audio, video;
    if (!unpack(root, error, "{s:s, s:I, s:I, s:I}", "kind", &kind, "id", &id, "audio", &audio,
                "video", &video))
        return FALSE;
    if (audio > MNB_AUDIO_SLOTS_MAX)
        return too_many(error, "audio", MNB_AUDIO_SLOTS_MAX);
    if (video > MNB_VIDEO_SLOTS_MAX)
        return too_many(error, "video", MNB_VIDEO_SLOTS_MAX);
    if (audio < 0 || video < 0 || audio + video == 0)
        return fail(error, "audio and video must be 0 or more, and not both 0");
    request->audio = (guint)audio;
    request->video = (guint)video;
    return TRUE;
}

static gboolean parse_subscribed(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind, *sdp;
    json_int_t id;
    if (!unpack(root, error, "{s:s, s:I, s:s}", "kind", &kind, "id", &id, "sdp", &sdp))
        return FALSE;
    request->text = g_strdup(sdp);
    return TRUE;
}

static gboolean parse_view(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind, *mode;
    json_int_t id;
    json_t *peers;
    json_int_t limit_kbit = -1;
    json_int_t large = MNB_VIEW_PEERS_MAX;
    if (!unpack(root, error, "{s:s, s:I, s:o, s:s, s?I, s?I}", "kind", &kind, "id", &id, "peers",
                &peers, "mode", &mode, "limit_kbit", &limit_kbit, "large", &large))
        return FALSE;
    request->has_large = json_object_get(root, "large") != NULL;
    if (large < 0 || large > MNB_VIEW_PEERS_MAX)
        return fail(error, "large is not from 0 to %d", MNB_VIEW_PEERS_MAX);
    request->large = (guint)large;
    request->has_limit = json_object_get(root, "limit_kbit") != NULL;
    if (request->has_limit && (limit_kbit < 0 || limit_kbit > LIMIT_KBIT_MAX))
        return fail(error, "limit_kbit is not from 0 to %d", LIMIT_KBIT_MAX);
    request->limit_bps = request->has_limit ? (guint32)limit_kbit * 1000 : 0;
    if (!mnb_view_mode_parse(mode, &request->mode))
        return fail(error, "mode is none of all, one, audio");
    if (!json_is_array(peers))
        return fail(error, "peers is not an array");
    if (json_array_size(peers) > MNB_VIEW_PEERS_MAX)
        return too_many(error, "peers", MNB_VIEW_PEERS_MAX);
    request->peer_count = (guint)json_array_size(peers);
    for (guint i = 0; i < request->peer_count; i++) {
        const char *peer = json_string_value(json_array_get(peers, i));
        if (!mnb_id_is_valid(peer))
            return fail(error, "peers has something that is not an id");
        g_strlcpy(request->peers[i], peer, sizeof request->peers[i]);
    }
    return TRUE;
}

static gboolean parse_mute(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind, *peer, *source;
    json_int_t id;
    return unpack(root, error, "{s:s, s:I, s:s, s:s}", "kind", &kind, "id", &id, "peer", &peer,
                  "source", &source) &&
           take_peer(request, peer, error) && take_source(source, &request->source, error);
}

static gboolean parse_remove(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind, *peer;
    json_int_t id;
    return unpack(root, error, "{s:s, s:I, s:s}", "kind", &kind, "id", &id, "peer", &peer) &&
           take_peer(request, peer, error);
}

static gboolean parse_rename(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind, *name;
    json_int_t id;
    if (!unpack(root, error, "{s:s, s:I, s:s}", "kind", &kind, "id", &id, "name", &name))
        return FALSE;
    request->text = mnb_message_take_text(name, "name", 1, MNB_NAME_MAX, FALSE, error);
    return request->text != NULL;
}

static gboolean parse_consent(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind, *answer;
    json_int_t id;
    return unpack(root, error, "{s:s, s:I, s:s}", "kind", &kind, "id", &id, "answer", &answer) &&
           take_consent(answer, &request->consent, error);
}

static gboolean parse_marker(json_t *root, MnbRequest *request, GError **error)
{
    const char *kind;
    const char *text = "";
    json_int_t id;
    if (!unpack(root, error, "{s:s, s:I, s?s}", "kind", &kind, "id", &id, "text", &text))
        return FALSE;
    request->text = mnb_message_take_text(text, "text", 0, MNB_MARKER_MAX, FALSE, error);
    return request->text != NULL;
}

static gboolean (*const parsers[MNB_REQUEST_SET_ROLE])(json_t *root, MnbRequest *request,
                                                       GError **error) = {
    [MNB_REQUEST_START_SESSION] = parse_plain, [MNB_REQUEST_END_SESSION] = parse_plain,
    [MNB_REQUEST_RECORD] = parse_record,       [MNB_REQUEST_CHAT] = parse_chat,
    [MNB_REQUEST_HAND] = parse_hand,           [MNB_REQUEST_PUBLISH] = parse_publish,
    [MNB_REQUEST_TRACK] = parse_track,         [MNB_REQUEST_UNPUBLISH] = parse_plain,
    [MNB_REQUEST_SUBSCRIBE] = parse_subscribe, [MNB_REQUEST_SUBSCRIBED] = parse_subscribed,
    [MNB_REQUEST_VIEW] = parse_view,           [MNB_REQUEST_MUTE_PEER] = parse_mute,
    [MNB_REQUEST_REMOVE_PEER] = parse_remove,  [MNB_REQUEST_RENAME] = parse_rename,
    [MNB_REQUEST_LEAVE] = parse_plain,         [MNB_REQUEST_CONSENT] = parse_consent,
    [MNB_REQUEST_MARKER] = parse_marker,       [MNB_REQUEST_PAUSE_RECORDING] = parse_record,
};

/* ---------------------------------------------------------------------------------------- both */

static gboolean read_message(json_t *root, MnbMessage *message, gint64 *id_out, GError **error)
{
    const json_t *id = json_object_get(root, "id");
    const char *kind = json_string_value(json_object_get(root, "kind"));
    MnbRequestKind which;
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > ID_MAX)
        return fail(error, "id is not a number from 0 to 2^53 - 1");
    *id_out = json_integer_value(id);
    if (kind == NULL)
        return fail(error, "kind is missing");
    if (strcmp(kind, "hello") == 0)
        return parse_hello(root, message, error);
    if (!mnb_request_kind_parse(kind, &which))
        return fail(error, "there is no such kind of message");
    message->request = mnb_request_new();
    message->request->kind = which;
    message->request->id = *id_out;
    if (which >= MNB_REQUEST_SET_ROLE) {
        message->request->args = mnb_message_fields(root, mnb_message_table(which), error);
        return message->request->args != NULL;
    }
    return parsers[which](root, message->request, error);
}

gboolean mnb_message_parse(const char *text, gsize len, MnbMessage *message, gint64 *id_out,
                           GError **error)
{
    json_error_t why;
    *message = (MnbMessage){0};
    *id_out = -1;
    if (len > MNB_MESSAGE_MAX)
        return fail(error, "a message is longer than %d bytes", MNB_MESSAGE_MAX);
    if (mnb_json_depth(text, len) > MNB_MESSAGE_DEPTH)
        return fail(error, "nested deeper than %d levels", MNB_MESSAGE_DEPTH);
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    gboolean is_good = json_is_object(root) ? read_message(root, message, id_out, error)
                                            : fail(error, "not a JSON object");
    json_decref(root);
    if (!is_good)
        mnb_message_clear(message);
    return is_good;
}

void mnb_message_clear(MnbMessage *message)
{
    g_clear_pointer(&message->hello, mnb_hello_free);
    g_clear_pointer(&message->request, mnb_request_free);
}
