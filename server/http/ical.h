/* ical.h - events as iCalendar (RFC 5545, with NAME and REFRESH-INTERVAL of RFC 7986).
 *
 * Each event has its start and end in its own time zone, by a TZID whose VTIMEZONE is in the file:
 * the observance that is in force at the event and what comes before and after it within a year, so
 * that a calendar that knows no zones shows the right hour on either side of a change of summer
 * time. Zones without a change of offset have one observance. UTC needs none. Any thread.
 */
#pragma once
#include "recordings/event.h"

typedef enum {
    MNB_ICAL_EN,
    MNB_ICAL_JA,
} MnbIcalLanguage;

typedef struct MnbIcal MnbIcal;

/* Returns (owned): an empty calendar.
 * @name: shown as the calendar's name where a reader subscribes to it; NULL: none, a single file.
 */
MnbIcal *mnb_ical_new(MnbIcalLanguage language, const char *name);
void mnb_ical_free(MnbIcal *ical);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbIcal, mnb_ical_free)

/* Adds @event. Its texts are in the calendar's language where it has them, else in the other.
 * @place: the host city's name; @url: the page, or the holder's own link to the room;
 * @is_link: @url is such a link.
 * Returns: FALSE when the event's zone or time cannot be written; nothing was added then. */
gboolean mnb_ical_add(MnbIcal *ical, const MnbEvent *event, const char *place, const char *url,
                      gboolean is_link);

/* Returns (owned): the file, lines folded at 75 octets and ended with CRLF. */
char *mnb_ical_to_text(const MnbIcal *ical);
