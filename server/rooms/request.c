#include "server/rooms/request.h"
#include <string.h>

#define LOGGED MNB_LIMIT_LOGGED

/* The table of requests: what each needs, and how often it may come. */
static const struct {
    const char *name;
    MnbPermission needs;
    MnbRequestLimit limit;
} kinds[MNB_N_REQUESTS] = {
    [MNB_REQUEST_START_SESSION] = {"start-session", MNB_MAY_HOST, LOGGED},
    [MNB_REQUEST_END_SESSION] = {"end-session", MNB_MAY_HOST, LOGGED},
    [MNB_REQUEST_RECORD] = {"record", MNB_MAY_RECORD, LOGGED},
    [MNB_REQUEST_CHAT] = {"chat", MNB_MAY_CHAT, MNB_LIMIT_CHAT},
    [MNB_REQUEST_HAND] = {"hand", MNB_MAY_RAISE_HAND, LOGGED},
    [MNB_REQUEST_PUBLISH] = {"publish", MNB_MAY_SPEAK},
    [MNB_REQUEST_TRACK] = {"track", MNB_MAY_SPEAK},
    [MNB_REQUEST_UNPUBLISH] = {"unpublish", MNB_MAY_SPEAK},
    [MNB_REQUEST_SUBSCRIBE] = {"subscribe", MNB_MAY_ATTEND},
    [MNB_REQUEST_SUBSCRIBED] = {"subscribed", MNB_MAY_ATTEND},
    [MNB_REQUEST_VIEW] = {"view", MNB_MAY_ATTEND},
    [MNB_REQUEST_MUTE_PEER] = {"mute-peer", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_REMOVE_PEER] = {"remove-peer", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_RENAME] = {"rename", MNB_MAY_ATTEND, LOGGED},
    [MNB_REQUEST_LEAVE] = {"leave", MNB_MAY_ATTEND},
    [MNB_REQUEST_CONSENT] = {"consent", MNB_MAY_ATTEND, LOGGED},
    [MNB_REQUEST_PAUSE_RECORDING] = {"pause-recording", MNB_MAY_RECORD, LOGGED},
    [MNB_REQUEST_MARKER] = {"marker", MNB_MAY_RECORD, LOGGED},
    [MNB_REQUEST_SET_ROLE] = {"set-role", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_GRANT] = {"grant", MNB_MAY_PRESENT, LOGGED},
    [MNB_REQUEST_SETTINGS] = {"settings", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_ADMIT] = {"admit", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_REFUSE] = {"refuse", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_MUTE_ALL] = {"mute-all", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_SPOTLIGHT] = {"spotlight", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_LOWER_HANDS] = {"lower-hands", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_GIVE_FLOOR] = {"give-floor", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_END_FLOOR] = {"end-floor", MNB_MAY_RAISE_HAND, LOGGED},
    [MNB_REQUEST_REACT] = {"react", MNB_MAY_TAKE_PART, MNB_LIMIT_REACTION},
    [MNB_REQUEST_ASK] = {"ask", MNB_MAY_TAKE_PART, LOGGED},
    [MNB_REQUEST_VOTE_QUESTION] = {"vote-question", MNB_MAY_TAKE_PART, LOGGED},
    [MNB_REQUEST_QUESTION] = {"question", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_POLL] = {"poll", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_POLL_STATE] = {"poll-state", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_VOTE] = {"vote", MNB_MAY_TAKE_PART, LOGGED},
    [MNB_REQUEST_AGENDA] = {"agenda", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_AGENDA_ITEM] = {"agenda-item", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_PHASE] = {"phase", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_NOTE] = {"note", MNB_MAY_MODERATE, LOGGED},
    [MNB_REQUEST_CAPTION] = {"caption", MNB_MAY_CAPTION, MNB_LIMIT_CAPTION},
    [MNB_REQUEST_HEAR] = {"hear", MNB_MAY_ATTEND, LOGGED},
    [MNB_REQUEST_BOOTH] = {"booth", MNB_MAY_INTERPRET, LOGGED},
    [MNB_REQUEST_ON_AIR] = {"on-air", MNB_MAY_INTERPRET, LOGGED},
    [MNB_REQUEST_HAND_OVER] = {"hand-over", MNB_MAY_INTERPRET, LOGGED},
    [MNB_REQUEST_SLOWER] = {"slower", MNB_MAY_ATTEND, MNB_LIMIT_SLOWER},
    [MNB_REQUEST_UPLOAD_SLIDES] = {"upload-slides", MNB_MAY_PRESENT, LOGGED},
    [MNB_REQUEST_SHOW_SLIDES] = {"show-slides", MNB_MAY_PRESENT, LOGGED},
    [MNB_REQUEST_PAGE] = {"page", MNB_MAY_PRESENT, LOGGED},
    [MNB_REQUEST_POINTER] = {"pointer", MNB_MAY_PRESENT, MNB_LIMIT_POINTER},
    [MNB_REQUEST_REMOVE_SLIDES] = {"remove-slides", MNB_MAY_PRESENT, LOGGED},
};

static const char *const sources[MNB_N_SOURCES] = {"microphone", "camera", "screen"};
static const char *const consents[] = {"unasked", "yes", "no"};
static const char *const modes[] = {"all", "one", "audio"};

static gboolean find_name(const char *const *names, guint count, const char *name, guint *index)
{
    for (guint i = 0; i < count; i++) {
        if (g_strcmp0(names[i], name) == 0) {
            *index = i;
            return TRUE;
        }
    }
    return FALSE;
}

MnbRequest *mnb_request_new(void)
{
    return g_new0(MnbRequest, 1);
}

void mnb_request_free(MnbRequest *request)
{
    if (request == NULL)
        return;
    g_free(request->peer);
    g_free(request->text);
    g_free(request->key);
    g_free(request->to);
    json_decref(request->args);
    g_free(request);
}

void mnb_hello_free(MnbHello *hello)
{
    if (hello == NULL)
        return;
    g_free(hello->token);
    g_free(hello->name);
    g_free(hello->affiliation);
    g_free(hello->language);
    g_free(hello->resume);
    g_free(hello);
}

const char *mnb_request_kind_to_string(MnbRequestKind kind)
{
    return (guint)kind < MNB_N_REQUESTS ? kinds[kind].name : NULL;
}

gboolean mnb_request_kind_parse(const char *name, MnbRequestKind *kind)
{
    for (guint i = 0; i < MNB_N_REQUESTS; i++) {
        if (g_strcmp0(kinds[i].name, name) == 0) {
            *kind = (MnbRequestKind)i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *mnb_source_to_string(MnbSource source)
{
    return (guint)source < MNB_N_SOURCES ? sources[source] : NULL;
}

gboolean mnb_source_parse(const char *name, MnbSource *source)
{
    guint index;
    if (!find_name(sources, MNB_N_SOURCES, name, &index))
        return FALSE;
    *source = (MnbSource)index;
    return TRUE;
}

const char *mnb_consent_to_string(MnbConsent consent)
{
    return (guint)consent < G_N_ELEMENTS(consents) ? consents[consent] : NULL;
}

gboolean mnb_consent_parse(const char *name, MnbConsent *consent)
{
    guint index;
    if (!find_name(consents, G_N_ELEMENTS(consents), name, &index))
        return FALSE;
    *consent = (MnbConsent)index;
    return TRUE;
}

gboolean mnb_view_mode_parse(const char *name, MnbViewMode *mode)
{
    guint index;
    if (!find_name(modes, G_N_ELEMENTS(modes), name, &index))
        return FALSE;
    *mode = (MnbViewMode)index;
    return TRUE;
}

MnbPermission mnb_request_permission(MnbRequestKind kind)
{
    g_return_val_if_fail((guint)kind < MNB_N_REQUESTS, MNB_N_PERMISSIONS);
    return kinds[kind].needs;
}

MnbRequestLimit mnb_request_limit(MnbRequestKind kind)
{
    g_return_val_if_fail((guint)kind < MNB_N_REQUESTS, MNB_LIMIT_LOGGED);
    return kinds[kind].limit;
}
