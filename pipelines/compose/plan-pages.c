#include "pipelines/compose/plan-pages.h"

#include <string.h>

void mnb_plan_page_free(gpointer data)
{
    MnbPlanPage *page = data;
    g_free(page->image);
    g_free(page);
}

/* Returns: -1 after the end. */
static gint64 place(const MnbPlan *plan, gint64 unix_us)
{
    for (guint i = 0; i < plan->parts->len; i++) {
        const MnbPlanPart *part = &g_array_index(plan->parts, MnbPlanPart, i);
        if (unix_us < part->unix_us)
            return MAX(part->start_us, 0);
        gint64 at_us = MAX(part->start_us + unix_us - part->unix_us, 0);
        if (i + 1 == plan->parts->len)
            return at_us < plan->end_us ? at_us : -1;
        if (unix_us < part->unix_us + part->duration_us)
            return at_us;
    }
    return -1;
}

/* "DECK/3-large.jpg", "": none. */
static gboolean is_inside(const char *file)
{
    return *file != '/' && strstr(file, "..") == NULL && strlen(file) < 200;
}

gboolean mnb_plan_add_pages(MnbPlan *plan, const char *folder, const json_t *pages)
{
    size_t i;
    const json_t *turn;
    if (pages != NULL && (!json_is_array(pages) || json_array_size(pages) > MNB_PLAN_PAGES_MAX ||
                          folder == NULL || !g_path_is_absolute(folder)))
        return FALSE;
    json_array_foreach(pages, i, turn)
    {
        json_int_t unix_us;
        const char *file;
        if (json_unpack((json_t *)turn, "[I, s!]", &unix_us, &file) != 0 || !is_inside(file))
            return FALSE;
        g_autofree char *image =
            *file != '\0' ? g_build_filename(folder, file, NULL) : g_strdup("");
        gint64 at_us = place(plan, unix_us);
        MnbPlanPage *last =
            plan->pages->len > 0 ? g_ptr_array_index(plan->pages, plan->pages->len - 1) : NULL;
        if (at_us < 0)
            continue;
        if (last != NULL && last->start_us >= at_us) { /* several in a hole: the last counts */
            g_free(last->image);
            last->image = g_strdup(image);
            continue;
        }
        MnbPlanPage *page = g_new0(MnbPlanPage, 1);
        page->start_us = at_us;
        page->image = g_strdup(image);
        g_ptr_array_add(plan->pages, page);
    }
    return TRUE;
}

const MnbPlanPage *mnb_plan_find_page(const MnbPlan *plan, gint64 at_us)
{
    const MnbPlanPage *found = NULL;
    guint from = 0, to = plan->pages->len;
    while (from < to) {
        guint middle = (from + to) / 2;
        const MnbPlanPage *page = g_ptr_array_index(plan->pages, middle);
        if (page->start_us <= at_us) {
            found = page;
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return found != NULL && *found->image != '\0' ? found : NULL;
}
