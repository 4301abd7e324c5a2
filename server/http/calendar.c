/* Calendars of events: one event's file, and the feed of the public ones. */
#include "recordings/taxonomy.h"
#include "server/base/error.h"
#include "server/http/api.h"
#include "server/http/ical.h"
#include <string.h>

#define FEED_EVENTS_MAX 100
#define FEED_PAST_US                                                                               \
    ((gint64)366 * 86400 * G_USEC_PER_SEC) /* what is over for longer is left out */
#define FEED_FUTURE_US (5 * FEED_PAST_US)
#define CALENDAR_TYPE  "text/calendar; charset=utf-8"

static const char *const feed_names[] = {"City learning events", "都市の学習イベント"};

/* FALSE after a problem was answered. */
static gboolean language_of(MnbHttpRequest *request, MnbIcalLanguage *language)
{
    const char *tag = mnb_http_request_query(request, "language");
    *language = g_strcmp0(tag, "ja") == 0 ? MNB_ICAL_JA : MNB_ICAL_EN;
    if (tag == NULL || *language == MNB_ICAL_JA || strcmp(tag, "en") == 0)
        return TRUE;
    mnb_http_request_answer_problem(
        request, mnb_problem_new(422, "invalid", "language must be \"en\" or \"ja\""));
    return FALSE;
}

/* Adds @event with its page's address, or with the link that the asker holds. */
static gboolean add_event(MnbHttpRequest *request, MnbIcal *ical, MnbIcalLanguage language,
                          const MnbEvent *event, const char *token, GError **error)
{
    const char *base = mnb_http_request_services(request)->public_url;
    g_autoptr(MnbCity) city = mnb_city_find(mnb_http_request_db(request), event->city, error);
    if (city == NULL)
        return FALSE;
    g_autofree char *url = token != NULL ? g_strconcat(base, "/join#", token, NULL)
                                         : g_strconcat(base, "/events/", event->id, NULL);
    if (!mnb_ical_add(ical, event, language == MNB_ICAL_JA ? city->name_ja : city->name_en, url,
                      token != NULL))
        g_set_error(error, MNB_ERROR, MNB_ERROR_INVALID, "event %s: no such time or zone",
                    event->id);
    return *error == NULL;
}

static void answer(MnbHttpRequest *request, const MnbIcal *ical)
{
    g_autofree char *text = mnb_ical_to_text(ical);
    mnb_http_request_answer_text(request, 200, CALENDAR_TYPE, text);
}

/* The token of the link to @event by which the asker came; NULL: came without one. */
static const char *link_token(MnbHttpRequest *request, const MnbEvent *event)
{
    const MnbLink *link = mnb_http_request_asker(request)->link;
    const char *header = mnb_http_request_header(request, "Authorization");
    if (link == NULL || header == NULL || strcmp(link->event, event->id) != 0 ||
        link->kind != MNB_LINK_ROLE)
        return NULL;
    const char *space = strchr(header, ' ');
    return space != NULL ? space + strspn(space, " ") : NULL;
}

void mnb_api_event_calendar(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    MnbIcalLanguage language;
    if (!language_of(request, &language))
        return;
    g_autoptr(MnbEvent) event =
        mnb_event_find(mnb_http_request_db(request), mnb_http_request_param(request, 0), &error);
    if (event != NULL && !mnb_api_event_is_open(request, event)) {
        mnb_http_request_answer_not_found(request);
        return;
    }
    g_autoptr(MnbIcal) ical = mnb_ical_new(language, NULL);
    if (event == NULL ||
        !add_event(request, ical, language, event, link_token(request, event), &error)) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    g_autofree char *disposition =
        g_strdup_printf("attachment; filename=\"event-%s.ics\"", event->id);
    mnb_http_request_set_header(request, "Content-Disposition", disposition);
    answer(request, ical);
}

void mnb_api_calendar(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    MnbIcalLanguage language;
    if (!language_of(request, &language))
        return;
    gint64 now_us = mnb_http_request_wall_us(request);
    MnbEventFilter filter = {.public_only = TRUE, .now_us = now_us, .limit = FEED_EVENTS_MAX};
    g_autoptr(GPtrArray) events =
        mnb_event_list(mnb_http_request_db(request), &filter, NULL, &error);
    g_autoptr(MnbIcal) ical = mnb_ical_new(language, feed_names[language]);
    for (guint i = 0; events != NULL && i < events->len && error == NULL; i++) {
        const MnbEvent *event = g_ptr_array_index(events, i);
        if (event->starts_us > now_us - FEED_PAST_US && event->starts_us < now_us + FEED_FUTURE_US)
            add_event(request, ical, language, event, NULL, &error);
    }
    if (error != NULL)
        mnb_http_request_answer_error(request, error);
    else
        answer(request, ical);
}
