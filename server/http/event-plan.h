/* event-plan.h - the plan of an event in requests and answers: attendance, venue, learning cities,
 * capacity, lobby and agenda. Field names and bounds: docs/protocol.md, section 3. */
#pragma once
#include "recordings/event.h"
#include "server/http/fields.h"
#include <jansson.h>

#define MNB_PLAN_AGENDA_MAX 40 /* items; as many as a room's agenda has */

/* Puts the plan's fields of a request into @event and notes what is wrong with them. */
void mnb_event_plan_apply(MnbFields *fields, MnbEvent *event);
/* Notes learning cities that the catalogue does not know. */
void mnb_event_plan_check(MnbFields *fields, MnbDb *db, const MnbEvent *event);
/* Adds the plan's fields to @json. */
void mnb_event_plan_to_json(json_t *json, const MnbEvent *event);
