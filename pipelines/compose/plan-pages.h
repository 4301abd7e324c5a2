/* plan-pages.h - the part of plan.h that places pages of slides on the time line. Pure. */
#pragma once
#include "pipelines/compose/plan.h"

#define MNB_PLAN_PAGES_MAX 5000

void mnb_plan_page_free(gpointer page);

/* @folder, @pages: the job's fields "slides" and "pages", NULL: none. The parts are placed already.
 * Turns before the first part hold from the film's beginning, turns between two parts from where
 * the next begins. Returns: FALSE when the field is not as it should be. */
gboolean mnb_plan_add_pages(MnbPlan *plan, const char *folder, const json_t *pages);

/* Returns (borrowed): what is shown at a moment; NULL: nothing. */
const MnbPlanPage *mnb_plan_find_page(const MnbPlan *plan, gint64 at_us);
