/* classroom-json.h - the JSON of a classroom's parts (docs/protocol.md, 4.5).
 *
 * @moderates: for who may moderate: hidden questions, drafts and results before their time. All
 * return (owned). Main thread. */
#pragma once
#include "server/rooms/classroom.h"
#include <jansson.h>

json_t *mnb_classroom_json_settings(const MnbClassroom *room);
json_t *mnb_classroom_json_spotlight(const MnbClassroom *room);
json_t *mnb_classroom_json_floor(const MnbClassroom *room); /* or null */
json_t *mnb_classroom_json_question(const MnbQuestion *question, gboolean moderates);
json_t *mnb_classroom_json_poll(const MnbPoll *poll, gboolean moderates);
json_t *mnb_classroom_json_agenda(const MnbClassroom *room);
json_t *mnb_classroom_json_note(const MnbClassroom *room); /* or null */
json_t *mnb_classroom_json_caption(const MnbCaption *caption);
json_t *mnb_classroom_json_slides(const MnbClassroom *room);

/* Sets all of it in @state, as STATE has it. */
void mnb_classroom_json_add(const MnbClassroom *room, gboolean moderates, json_t *state);

/* What a peer has voted: {"questions":[ids],"polls":{"id":[options]}}. @resume: its token, by which
 * its votes in anonymous polls are found; NULL: those are left out. */
json_t *mnb_classroom_json_mine(const MnbClassroom *room, const char *peer, const char *resume);

/* Of a `votes` message. */
json_t *mnb_classroom_json_question_votes(const MnbQuestion *question);
json_t *mnb_classroom_json_poll_votes(const MnbPoll *poll, gboolean moderates);
