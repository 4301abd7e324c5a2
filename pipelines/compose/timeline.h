/* timeline.h - timeline.json of a recording: who was seen and who spoke when, and where the clock
 * of the wall lies on the recording's time line. For the page where staff cut the film, and to
 * place what was written in the chat. Format: docs/pipelines.md. */
#pragma once
#include "pipelines/compose/plan.h"

typedef struct MnbTimeline MnbTimeline;

MnbTimeline *mnb_timeline_new(const MnbPlan *plan); /* owned; @plan borrowed, outlives it */
void mnb_timeline_free(MnbTimeline *timeline);      /* NULL is fine */

/* This peer (index into the plan's) is heard at this moment; called in order of time. */
void mnb_timeline_speaks(MnbTimeline *timeline, guint peer, gint64 at_us);

/* Who has the word: who spoke last for longer than a cough, until he has been silent for a while
 * and somebody else speaks. Called in order of time. Returns: index of a peer; G_MAXUINT: nobody
 * yet. */
guint mnb_timeline_speaker(MnbTimeline *timeline, gint64 at_us);

/* Writes @path, durable. Sets @error (MNB_JOB_ERROR). */
gboolean mnb_timeline_write(MnbTimeline *timeline, const char *path, GError **error);
