/* slides-job.h - one PDF on its way to page images: three programs, one after the other. */
#pragma once
#include "pipelines/manager/walls.h"

typedef struct MnbSlidesJob MnbSlidesJob;

/* @pages: above 0: the images are in @folder. 0: @reason says why not (docs/protocol.md, 4.6).
 * The job may be freed here. */
typedef void (*MnbSlidesDone)(guint pages, const char *reason, gpointer data);

/* @folder: absolute, has deck.pdf; the images are made beside it. Returns (owned): at work; done
 * comes later. */
MnbSlidesJob *mnb_slides_job_new(const MnbWalls *walls, const char *folder, guint pages_max,
                                 MnbSlidesDone done, gpointer data);
void mnb_slides_job_free(MnbSlidesJob *job); /* kills what runs; NULL is fine */
