#include "server/http/ical.h"
#include <libical/ical.h>
#include <string.h>

#define YEAR_S        ((gint64)366 * 86400)
#define SEARCH_STEP_S ((gint64)7 * 86400) /* no zone changes its offset twice in a week */
#define UID_DOMAIN    "@manabi"

typedef struct {
    gint64 first_s;
    gint64 last_s; /* since 1970, UTC */
} Span;

struct MnbIcal {
    icalcomponent *root;
    MnbIcalLanguage language;
    GHashTable *spans; /* TZID: Span of its events */
};

/* ---- what is said, in both languages ---- */

static const char *const join_texts[] = {"Join the session here:", "参加用リンク:"};
static const char *const page_texts[] = {"About this event:", "イベントのページ:"};
static const char *const language_tags[] = {"en", "ja"};

MnbIcal *mnb_ical_new(MnbIcalLanguage language, const char *name)
{
    MnbIcal *ical = g_new0(MnbIcal, 1);
    ical->language = language;
    ical->spans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    ical->root = icalcomponent_new(ICAL_VCALENDAR_COMPONENT);
    icalcomponent_add_property(ical->root, icalproperty_new_version("2.0"));
    icalcomponent_add_property(ical->root, icalproperty_new_prodid("-//Manabi//Manabi//EN"));
    icalcomponent_add_property(ical->root, icalproperty_new_method(ICAL_METHOD_PUBLISH));
    if (name != NULL) {
        icalproperty *plain = icalproperty_new_x(name);
        icalproperty_set_x_name(plain, "X-WR-CALNAME");
        icalcomponent_add_property(ical->root, plain);
        icalcomponent_add_property(ical->root, icalproperty_new_name(name));
        icalproperty *refresh = icalproperty_new_refreshinterval(
            icaldurationtype_from_int(3600)); /* seconds: an hour */
        icalproperty_add_parameter(refresh, icalparameter_new_value(ICAL_VALUE_DURATION));
        icalcomponent_add_property(ical->root, refresh);
    }
    return ical;
}

void mnb_ical_free(MnbIcal *ical)
{
    if (ical == NULL)
        return;
    icalcomponent_free(ical->root);
    g_hash_table_unref(ical->spans);
    g_free(ical);
}

static struct icaltimetype time_of(GDateTime *at, gboolean is_utc)
{
    struct icaltimetype time = icaltime_null_time();
    time.year = g_date_time_get_year(at);
    time.month = g_date_time_get_month(at);
    time.day = g_date_time_get_day_of_month(at);
    time.hour = g_date_time_get_hour(at);
    time.minute = g_date_time_get_minute(at);
    time.second = g_date_time_get_second(at);
    if (is_utc)
        time.zone = icaltimezone_get_utc_timezone();
    return time;
}

static struct icaltimetype utc_of(gint64 wall_us)
{
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(wall_us / G_USEC_PER_SEC);
    return time_of(at, TRUE);
}

/* ---- zones ---- */

static int offset_at(GTimeZone *zone, gint64 at_s)
{
    return g_time_zone_get_offset(zone,
                                  g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, at_s));
}

/* The first second of the offset that is in force at @to_s, when it began after @from_s.
 * @from_s and @to_s have different offsets and one change lies between them. */
static gint64 find_change(GTimeZone *zone, gint64 from_s, gint64 to_s)
{
    int before = offset_at(zone, from_s);
    while (to_s - from_s > 1) {
        gint64 middle = from_s + (to_s - from_s) / 2;
        if (offset_at(zone, middle) == before)
            from_s = middle;
        else
            to_s = middle;
    }
    return to_s;
}

/* An observance that begins at @onset_s; before it the offset was @from. */
static void add_observance(icalcomponent *vtimezone, GTimeZone *zone, gint64 onset_s, int from)
{
    int interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, onset_s);
    icalcomponent *observance = icalcomponent_new(
        g_time_zone_is_dst(zone, interval) ? ICAL_XDAYLIGHT_COMPONENT : ICAL_XSTANDARD_COMPONENT);
    /* the onset is written in the local time of the offset before it (RFC 5545, 3.6.5) */
    g_autoptr(GDateTime) onset = g_date_time_new_from_unix_utc(onset_s + from);
    icalcomponent_add_property(observance, icalproperty_new_dtstart(time_of(onset, FALSE)));
    icalcomponent_add_property(observance, icalproperty_new_tzoffsetfrom(from));
    icalcomponent_add_property(observance,
                               icalproperty_new_tzoffsetto(g_time_zone_get_offset(zone, interval)));
    const char *name = g_time_zone_get_abbreviation(zone, interval);
    if (name != NULL && g_ascii_isalpha(name[0]))
        icalcomponent_add_property(observance, icalproperty_new_tzname(name));
    icalcomponent_add_component(vtimezone, observance);
}

/* The zone from a year before its first event to a year after its last. */
static icalcomponent *new_vtimezone(const char *tzid, const Span *span)
{
    g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(tzid);
    icalcomponent *vtimezone = icalcomponent_new(ICAL_VTIMEZONE_COMPONENT);
    icalcomponent_add_property(vtimezone, icalproperty_new_tzid(tzid));
    gint64 at = span->first_s - YEAR_S;
    add_observance(vtimezone, zone, at, offset_at(zone, at));
    for (; at < span->last_s + YEAR_S; at += SEARCH_STEP_S) {
        int before = offset_at(zone, at);
        if (offset_at(zone, at + SEARCH_STEP_S) != before)
            add_observance(vtimezone, zone, find_change(zone, at, at + SEARCH_STEP_S), before);
    }
    return vtimezone;
}

static void stretch_span(MnbIcal *ical, const char *tzid, gint64 from_s, gint64 to_s)
{
    Span *span = g_hash_table_lookup(ical->spans, tzid);
    if (span == NULL) {
        span = g_new(Span, 1);
        *span = (Span){from_s, to_s};
        g_hash_table_insert(ical->spans, g_strdup(tzid), span);
    }
    span->first_s = MIN(span->first_s, from_s);
    span->last_s = MAX(span->last_s, to_s);
}

/* ---- events ---- */

static const char *pick(MnbIcalLanguage language, const char *en, const char *ja,
                        const char **tag_out)
{
    const char *wanted = language == MNB_ICAL_JA ? ja : en;
    const char *other = language == MNB_ICAL_JA ? en : ja;
    gboolean is_wanted = wanted != NULL && wanted[0] != '\0';
    *tag_out = language_tags[is_wanted ? (guint)language : 1 - (guint)language];
    return is_wanted ? wanted : (other != NULL ? other : "");
}

static icalproperty *with_language(icalproperty *property, const char *tag)
{
    icalproperty_add_parameter(property, icalparameter_new_language(tag));
    return property;
}

static icalproperty *with_zone(icalproperty *property, const char *tzid)
{
    if (tzid != NULL)
        icalproperty_add_parameter(property, icalparameter_new_tzid(tzid));
    return property;
}

static icalproperty *new_description(const MnbIcal *ical, const MnbEvent *event, const char *url,
                                     gboolean is_link)
{
    const char *tag;
    const char *summary = pick(ical->language, event->summary_en, event->summary_ja, &tag);
    const char *lead = (is_link ? join_texts : page_texts)[ical->language];
    g_autofree char *text =
        g_strconcat(summary, summary[0] != '\0' ? "\n\n" : "", lead, "\n", url, NULL);
    return icalproperty_new_description(text);
}

static icalcomponent *new_vevent(const MnbIcal *ical, const MnbEvent *event, GDateTime *starts,
                                 GDateTime *ends, const char *tzid)
{
    const char *tag;
    icalcomponent *vevent = icalcomponent_new(ICAL_VEVENT_COMPONENT);
    g_autofree char *uid = g_strconcat(event->id, UID_DOMAIN, NULL);
    icalcomponent_add_property(vevent, icalproperty_new_uid(uid));
    icalcomponent_add_property(vevent, icalproperty_new_dtstamp(utc_of(event->updated_us)));
    icalcomponent_add_property(vevent, icalproperty_new_created(utc_of(event->created_us)));
    icalcomponent_add_property(vevent, icalproperty_new_lastmodified(utc_of(event->updated_us)));
    /* grows with every change; a change within the same second is told by LAST-MODIFIED alone */
    gint64 age_s = (event->updated_us - event->created_us) / G_USEC_PER_SEC;
    icalcomponent_add_property(vevent, icalproperty_new_sequence((int)CLAMP(age_s, 0, G_MAXINT)));
    icalcomponent_add_property(
        vevent, with_zone(icalproperty_new_dtstart(time_of(starts, tzid == NULL)), tzid));
    icalcomponent_add_property(
        vevent, with_zone(icalproperty_new_dtend(time_of(ends, tzid == NULL)), tzid));
    const char *title = pick(ical->language, event->title_en, event->title_ja, &tag);
    icalcomponent_add_property(vevent, with_language(icalproperty_new_summary(title), tag));
    icalcomponent_add_property(vevent, icalproperty_new_status(ICAL_STATUS_CONFIRMED));
    return vevent;
}

gboolean mnb_ical_add(MnbIcal *ical, const MnbEvent *event, const char *place, const char *url,
                      gboolean is_link)
{
    g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(event->time_zone);
    if (zone == NULL)
        return FALSE;
    gint64 starts_s = event->starts_us / G_USEC_PER_SEC;
    gint64 ends_s = starts_s + event->duration_s;
    g_autoptr(GDateTime) starts_utc = g_date_time_new_from_unix_utc(starts_s);
    g_autoptr(GDateTime) ends_utc = g_date_time_new_from_unix_utc(ends_s);
    if (starts_utc == NULL || ends_utc == NULL)
        return FALSE;
    g_autoptr(GDateTime) starts = g_date_time_to_timezone(starts_utc, zone);
    g_autoptr(GDateTime) ends = g_date_time_to_timezone(ends_utc, zone);
    if (starts == NULL || ends == NULL)
        return FALSE;
    const char *tzid = strcmp(event->time_zone, "UTC") == 0 ? NULL : event->time_zone;
    if (tzid != NULL)
        stretch_span(ical, tzid, starts_s, ends_s);
    icalcomponent *vevent = new_vevent(ical, event, starts, ends, tzid);
    icalcomponent_add_property(
        vevent, with_language(icalproperty_new_location(place), language_tags[ical->language]));
    icalcomponent_add_property(vevent, new_description(ical, event, url, is_link));
    icalcomponent_add_property(vevent, icalproperty_new_url(url));
    icalcomponent_add_component(ical->root, vevent);
    return TRUE;
}

char *mnb_ical_to_text(const MnbIcal *ical)
{
    icalcomponent *whole = icalcomponent_new_clone(ical->root);
    GHashTableIter iter;
    gpointer tzid, span;
    g_hash_table_iter_init(&iter, ical->spans);
    while (g_hash_table_iter_next(&iter, &tzid, &span))
        icalcomponent_add_component(whole, new_vtimezone(tzid, span));
    char *text = icalcomponent_as_ical_string_r(whole);
    char *result = g_strdup(text);
    icalmemory_free_buffer(text);
    icalcomponent_free(whole);
    return result;
}
