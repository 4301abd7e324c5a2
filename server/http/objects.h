/* objects.h - the things of the catalogue as JSON, as docs/protocol.md section 3 writes them.
 * Each function returns a new reference. Main thread. */
#pragma once
#include "recordings/event.h"
#include "recordings/job.h"
#include "recordings/link.h"
#include "recordings/recording.h"
#include "recordings/search.h"
#include "recordings/session.h"
#include "server/http/request.h"

/* RFC 3339, or null for 0. */
json_t *mnb_json_time(gint64 wall_us);
/* NULL gives null. */
json_t *mnb_json_text(const char *text);

/* What the asker of @request may know of it: the session's id only for staff and its own links. */
json_t *mnb_json_event(MnbHttpRequest *request, const MnbEvent *event);
json_t *mnb_json_link(const MnbLink *link);
/* Reads renditions and progress. NULL with @error when that fails. */
/* Chapters where they are in the film that is there; those that were cut out are left out. */
json_t *mnb_json_chapters(const MnbRecording *recording);
json_t *mnb_json_recording(MnbDb *db, const MnbRecording *recording, GError **error);
/* Address of a file: @path is below its folder, as renditions have it. Owned. */
char *mnb_json_media_url(const MnbRecording *recording, const char *path);
json_t *mnb_json_job(const MnbJob *job);
json_t *mnb_json_user(const MnbStaff *staff); /* {"user":...}; NULL gives {"user":null} */
/* {"items":items,"total":..,"page":..,"per_page":..}; takes over @items. */
json_t *mnb_json_list(json_t *items, guint total, guint page, guint per_page);

/* A session with its recordings (events.c). Returns (owned): NULL with @error. */
json_t *mnb_json_session(MnbDb *db, const MnbSession *session, GError **error);
