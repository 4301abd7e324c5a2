/* recording.h - videos at rest: tables `recording`, `recording_part`, `rendition`.
 *
 * A recording always has an area and a city: insert refuses one without, and so does the schema.
 * Each change queues its manifest to be written (catalog.h) and keeps the search text; callers do
 * neither. */
#pragma once

#include <glib.h>

#include "recordings/db.h"
#include "recordings/event.h"

typedef enum {
    MNB_ORIGIN_SESSION,
    MNB_ORIGIN_IMPORT,
    MNB_ORIGIN_UPLOAD,
    MNB_ORIGIN_FEED,
} MnbOrigin;

typedef enum {
    MNB_RECORDING_DRAFT,      /* being recorded or uploaded */
    MNB_RECORDING_PROCESSING, /* jobs are at work, or failed */
    MNB_RECORDING_REVIEW,     /* ready, waits for staff */
    MNB_RECORDING_PUBLISHED,
    MNB_RECORDING_WITHDRAWN,
} MnbRecordingState;

typedef enum {
    MNB_PART_WRITING,
    MNB_PART_CLOSED,
    MNB_PART_CUT, /* the recorder died; not repaired yet */
    MNB_PART_REPAIRED,
} MnbPartState;

typedef enum {
    MNB_RENDITION_HLS,
    MNB_RENDITION_DOWNLOAD,
    MNB_RENDITION_POSTER,
    MNB_RENDITION_CANDIDATE,  /* "poster-1": may become the poster */
    MNB_RENDITION_THUMBNAILS, /* small pictures along the film */
    MNB_RENDITION_WAVEFORM,
} MnbRenditionKind;

const char *mnb_origin_to_string(MnbOrigin origin);
const char *mnb_recording_state_to_string(MnbRecordingState state);
const char *mnb_part_state_to_string(MnbPartState state);
const char *mnb_rendition_kind_to_string(MnbRenditionKind kind);
gboolean mnb_origin_parse(const char *text, MnbOrigin *origin);
gboolean mnb_recording_state_parse(const char *text, MnbRecordingState *state);
gboolean mnb_part_state_parse(const char *text, MnbPartState *state);
gboolean mnb_rendition_kind_parse(const char *text, MnbRenditionKind *kind);

#define MNB_CHAPTERS_MAX 200

/* Licences that a film may carry; NULL-terminated. "" is none said. */
extern const char *const mnb_licences[];

/* A list of chapters as in the struct below: in order of time, each with a title of at most
 * MNB_TITLE_MAX characters in one of the languages. Errors: MNB_ERROR_INVALID. */
gboolean mnb_chapters_check(const char *text, GError **error);

/* All texts owned by the struct; never NULL after a find except where said. */
typedef struct {
    char *id; /* insert makes one where NULL */
    char *area;
    char *city;
    char *event;   /* NULL: none */
    char *session; /* NULL: none */
    MnbOrigin origin;
    char *title_en;
    char *title_ja; /* at least one title is not empty */
    char *description_en;
    char *description_ja;
    char **languages;  /* BCP 47; may be empty */
    char **more_areas; /* codes besides area; may be empty or NULL */
    char *licence;     /* one of mnb_licences; "": not said */
    char *edit;        /* JSON: what staff want kept, [[from_ms,to_ms],...] (film-edit.h) */
    char *edit_made;   /* JSON: what the film that is there was made with */
    char *chapters;    /* JSON: [{"at_ms":0,"title_en":"","title_ja":""},...] */
    gint64 source_us;  /* length before cuts; 0: not known yet */
    MnbAudience audience;
    MnbRecordingState state;
    gboolean publish_when_ready; /* else: review */
    gint64 recorded_us;
    gint64 published_us; /* 0: never yet */
    gint64 duration_us;  /* 0: not known yet */
    int width;           /* 0: not known yet */
    int height;
    char *folder; /* below STATE/recordings; insert takes the id where NULL */
    gint64 created_us;
    gint64 updated_us;
} MnbRecording;

MnbRecording *mnb_recording_new(void); /* owned; zeroed */
void mnb_recording_free(MnbRecording *recording);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbRecording, mnb_recording_free)

/* Returns (owned): or NULL with MNB_ERROR_NOT_FOUND. */
MnbRecording *mnb_recording_find(MnbDb *db, const char *id, GError **error);

/* By the folder in /media/<folder>/... paths. */
MnbRecording *mnb_recording_find_by_folder(MnbDb *db, const char *folder, GError **error);

/* Of a session, oldest first. Returns (owned): MnbRecording elements. To list the
 * catalogue: search.h. */
GPtrArray *mnb_recording_list_for_session(MnbDb *db, const char *session, GError **error);

/* In one state, oldest first; at start: what was being recorded or processed. */
GPtrArray *mnb_recording_list_in_state(MnbDb *db, MnbRecordingState state, GError **error);

/* What is published and public, in the order in which it came in; for lists of all. */
typedef struct {
    char *id;
    gint64 updated_us;
} MnbPublicFilm;
/* Returns (owned): MnbPublicFilm elements, which the array frees. */
GPtrArray *mnb_recording_list_public(MnbDb *db, guint offset, guint limit, GError **error);

/* Write. Sets id, folder (where NULL), created_us, updated_us of @recording; does not make the
 * folder. Errors: MNB_ERROR_INVALID with a text that names the field; MNB_ERROR_CONFLICT for an id
 * or folder that is taken. */
gboolean mnb_recording_insert(MnbDb *db, MnbRecording *recording, gint64 now_us, GError **error);

/* Write. A draft for a session that is being recorded: area, city, titles, summaries, languages,
 * audience and publish_when_ready are the event's. Returns (owned): the recording. Errors:
 * MNB_ERROR_NOT_FOUND. */
MnbRecording *mnb_recording_insert_for_session(MnbDb *db, const char *session, gint64 now_us,
                                               GError **error);

/* Write. Replaces the fields that people edit and those that jobs find out: area, city, titles,
 * descriptions, languages, audience, publish_when_ready, recorded_us, duration_us, width, height,
 * more_areas, licence, edit, edit_made, chapters, source_us.
 * Not state, origin, folder, event, session. Errors: MNB_ERROR_NOT_FOUND, MNB_ERROR_INVALID. */
gboolean mnb_recording_update(MnbDb *db, const MnbRecording *recording, gint64 now_us,
                              GError **error);

/* Write. Any state to any other, except that only what has a rendition of kind hls or download can
 * be published. The first time published sets published_us. Errors: MNB_ERROR_CONFLICT,
 * MNB_ERROR_NOT_FOUND. */
gboolean mnb_recording_set_state(MnbDb *db, const char *id, MnbRecordingState state, gint64 now_us,
                                 GError **error);

/* Write. All its jobs are done: published if publish_when_ready (and no second person has to see it
 * first, publishing.h), else review. @state: what it
 * became; NULL allowed. */
gboolean mnb_recording_set_ready(MnbDb *db, const char *id, gint64 now_us, MnbRecordingState *state,
                                 GError **error);

/* Write. Removes the rows (parts, renditions, jobs with it); the folder is the caller's to remove
 * after. */
gboolean mnb_recording_remove(MnbDb *db, const char *id, GError **error);

/* May somebody who knows its id watch it? @is_staff: has MNB_MAY_SEE_STAFF, and may watch all.
 * Others: published ones for the public or by link. The latter are listed nowhere, so the 128
 * random bits of the id are what one has to be given; a player could send no other secret with each
 * segment. */
gboolean mnb_recording_may_watch(const MnbRecording *recording, gboolean is_staff);

/* ---- parts ---- */

typedef struct {
    int part; /* from 1 */
    gint64 started_us;
    gint64 ended_us; /* 0: running, or cut off */
    MnbPartState state;
    char *note; /* JSON object */
} MnbPart;

void mnb_part_free(MnbPart *part);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbPart, mnb_part_free)

GPtrArray *mnb_part_list(MnbDb *db, const char *recording, GError **error); /* owned; MnbPart */

/* Write. The next part, state writing. Returns: its number, or -1 with @error. */
int mnb_part_begin(MnbDb *db, const char *recording, gint64 now_us, GError **error);

/* Write. @note: JSON object, NULL keeps it. @ended_us: 0 keeps it. Errors: MNB_ERROR_NOT_FOUND. */
gboolean mnb_part_set(MnbDb *db, const char *recording, int part, MnbPartState state,
                      gint64 ended_us, const char *note, GError **error);

/* Write. At start: every part still `writing` becomes `cut`. Returns (owned): ids of their
 * recordings (char *), or NULL with @error. */
GPtrArray *mnb_part_mark_cut(MnbDb *db, GError **error);

/* ---- renditions ---- */

typedef struct {
    char *name; /* unique in the recording: "720p", "master", "video.mp4" */
    MnbRenditionKind kind;
    char *path; /* below the recording's folder: "media/master.m3u8" */
    int width;  /* 0: none */
    int height;
    int bitrate_bps;
    gint64 bytes; /* 0: not known */
} MnbRendition;

void mnb_rendition_free(MnbRendition *rendition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbRendition, mnb_rendition_free)

GPtrArray *mnb_rendition_list(MnbDb *db, const char *recording,
                              GError **error); /* owned; by height, bitrate */

/* Write. Inserts or replaces the one of that name. */
gboolean mnb_rendition_put(MnbDb *db, const char *recording, const MnbRendition *rendition,
                           GError **error);
gboolean mnb_rendition_remove_all(MnbDb *db, const char *recording, GError **error);

#define MNB_POSTER_NAME "poster"

/* Write. The candidate @number (from 1: the rendition "poster-<number>") becomes the poster.
 * Errors: MNB_ERROR_NOT_FOUND. */
gboolean mnb_rendition_choose_poster(MnbDb *db, const char *recording, int number, GError **error);

/* ---- progress ---- of the work that was ordered last: its jobs were inserted together */

typedef struct {
    int n_jobs;        /* without cancelled ones */
    int n_open;        /* waiting or running */
    int permille;      /* mean of all; 0 without jobs */
    int eta_s;         /* sum of what is known; -1: unknown */
    char *reason_code; /* of the failed job, NULL if none failed; free with mnb_progress_clear() */
    char *reason;
} MnbProgress;

gboolean mnb_recording_progress(MnbDb *db, const char *recording, MnbProgress *progress,
                                GError **error);
void mnb_progress_clear(MnbProgress *progress);
