/* plan.h - what a film is made of: the job and the part-*.json of a recording, on one time line. */
#pragma once
#include <glib.h>
#include <jansson.h>

#include "recordings/film-edit.h"

#define MNB_PLAN_CHANNELS_MAX 8 /* the floor and the languages of interpretation */

typedef struct {
    char *path;  /* absolute */
    char *codec; /* "vp8", "opus" ... */
    guint peer;  /* index into peers */
    gboolean is_video, is_screen;
    guint channel;           /* of sound: index into channels; 0: the floor */
    gint64 shift_us;         /* film time minus time in the file */
    gint64 start_us, end_us; /* on the film's time line */
} MnbPlanTrack;

typedef struct {
    char *id, *name;
} MnbPlanPeer;

/* Somebody, or somebody's screen, who is to be seen for a while. */
typedef struct {
    guint peer;
    gboolean is_screen;
    gint64 start_us, end_us;
} MnbPlanPresence;

/* Where a part of the recording lies on the time line. */
typedef struct {
    gint64 number, unix_us, start_us, duration_us;
} MnbPlanPart;

/* A page of slides that is shown from a moment on, until the next one of the list. */
typedef struct {
    gint64 start_us; /* on the film's time line */
    char *image;     /* absolute path of a JPEG; "": nothing is shown */
} MnbPlanPage;

typedef struct {
    char *out;
    int width, height, fps;
    char *title_en, *title_ja; /* may be "" */
    gint64 end_us;             /* of all that was captured */
    MnbFilmEdit edit;          /* what of it goes into the film; never empty */
    gboolean is_whole;         /* nothing was cut */
    GPtrArray *tracks;         /* MnbPlanTrack, owned, by start */
    GPtrArray *peers;          /* MnbPlanPeer, owned */
    GArray *presences;         /* MnbPlanPresence, by start */
    GArray *parts;             /* MnbPlanPart, in order */
    GPtrArray *pages;          /* MnbPlanPage, owned, by start */
    GPtrArray *channels;       /* char *, owned: languages (BCP 47); the floor first, may be "" */
} MnbPlan;

/* Returns (owned): NULL with @error set: BAD_JOB, NO_TRACKS, IO, TOO_LARGE. */
MnbPlan *mnb_plan_new(const json_t *job, GError **error);
void mnb_plan_free(MnbPlan *plan); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbPlan, mnb_plan_free)
