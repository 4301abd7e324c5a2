/* plan.h - what a film is made of: the job and the part-*.json of a recording, on one time line. */
#pragma once
#include <glib.h>
#include <jansson.h>

typedef struct {
    char *path;  /* absolute */
    char *codec; /* "vp8", "opus" ... */
    guint peer;  /* index into peers */
    gboolean is_video, is_screen;
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

typedef struct {
    char *out;
    int width, height, fps;
    char *title_en, *title_ja; /* may be "" */
    gint64 start_us, end_us;   /* of the film, on its own time line, trims included */
    GPtrArray *tracks;         /* MnbPlanTrack, owned, by start */
    GPtrArray *peers;          /* MnbPlanPeer, owned */
    GArray *presences;         /* MnbPlanPresence, by start */
} MnbPlan;

/* Returns (owned): NULL with @error set: BAD_JOB, NO_TRACKS, IO, TOO_LARGE. */
MnbPlan *mnb_plan_new(const json_t *job, GError **error);
void mnb_plan_free(MnbPlan *plan); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MnbPlan, mnb_plan_free)
