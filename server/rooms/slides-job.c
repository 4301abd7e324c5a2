#include "server/rooms/slides-job.h"
#include "pipelines/manager/programs.h"
#include "server/base/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define LIMIT_S    240
#define MEMORY_MB  1024
#define PRIORITY   10 /* nice(2): a session goes before */
#define SCAN_BYTES (4 * 1024 * 1024)

typedef enum { STEP_INFO, STEP_LARGE, STEP_SMALL, STEP_OVER } Step;

static const struct {
    const char *prefix;
    const char *longer_side;
} sizes[] = {
    [STEP_LARGE] = {"large", "1600"},
    [STEP_SMALL] = {"small", "320"},
};

struct MnbSlidesJob {
    const MnbWalls *walls;
    char *folder, *pdf;
    guint pages_max;
    MnbSlidesDone done;
    gpointer data;
    Step step;
    MnbChild *child;
    guint limit; /* timer of the whole */
    guint idle;
    guint pages;
    const char *reason; /* static; NULL: good so far */
};

static void finish(MnbSlidesJob *job)
{
    guint pages = job->reason == NULL ? job->pages : 0;
    const char *reason = job->reason;
    MnbSlidesDone done = job->done;
    gpointer data = job->data;
    job->step = STEP_OVER;
    g_clear_handle_id(&job->limit, g_source_remove);
    done(pages, reason, data); /* may free the job */
}

/* "large-007.jpg" becomes "7-large.jpg". */
static gboolean rename_pages(const MnbSlidesJob *job, const char *prefix)
{
    guint width = 1;
    for (guint n = job->pages; n >= 10; n /= 10)
        width++;
    for (guint page = 1; page <= job->pages; page++) {
        g_autofree char *from =
            g_strdup_printf("%s/%s-%0*u.jpg", job->folder, prefix, (int)width, page);
        g_autofree char *to = g_strdup_printf("%s/%u-%s.jpg", job->folder, page, prefix);
        if (rename(from, to) != 0)
            return FALSE;
    }
    return TRUE;
}

static void run(MnbSlidesJob *job);

static gboolean on_step_over(gpointer data)
{
    MnbSlidesJob *job = data;
    job->idle = 0;
    g_clear_pointer(&job->child, mnb_child_free);
    if (job->reason == NULL && job->step != STEP_INFO &&
        !rename_pages(job, sizes[job->step].prefix))
        job->reason = "damaged"; /* a page is missing */
    if (job->reason == NULL && ++job->step != STEP_OVER)
        run(job);
    else
        finish(job);
    return G_SOURCE_REMOVE;
}

/* ---------------------------------------------------------------------------------- the child */

static gboolean prepare(MnbChild *child, MnbChildLaunch *launch, gpointer data, GError **error)
{
    MnbSlidesJob *job = data;
    const char *name = job->step == STEP_INFO ? "pdfinfo" : "pdftocairo";
    const char *const reads[] = {job->pdf, NULL};
    const char *const writes[] = {job->folder, NULL};
    g_autofree char *program = mnb_programs_find_system(name, "poppler-utils", error);
    if (program == NULL)
        return FALSE;
    if (job->step == STEP_INFO) {
        mnb_walls_launch(job->walls, launch, program, reads, NULL, MEMORY_MB);
    } else {
        g_autofree char *out = g_build_filename(job->folder, sizes[job->step].prefix, NULL);
        mnb_walls_launch(job->walls, launch, program, NULL, writes, MEMORY_MB);
        mnb_child_launch_arg(launch, "-q"); /* a damaged file has much to say */
        mnb_child_launch_arg(launch, "-jpeg");
        mnb_child_launch_arg(launch, "-scale-to");
        mnb_child_launch_arg(launch, sizes[job->step].longer_side);
        mnb_child_launch_arg(launch, job->pdf);
        mnb_child_launch_arg(launch, out);
        return TRUE;
    }
    mnb_child_launch_arg(launch, job->pdf);
    return TRUE;
}

static void on_started(MnbChild *child, gpointer data)
{
    setpriority(PRIO_PROCESS, (id_t)mnb_child_pid(child), PRIORITY);
}

static void on_line(MnbChild *child, const char *line, gsize length, gpointer data)
{
    MnbSlidesJob *job = data;
    if (job->step == STEP_INFO && g_str_has_prefix(line, "Pages:")) {
        guint64 pages = g_ascii_strtoull(line + strlen("Pages:"), NULL, 10);
        job->pages = (guint)MIN(pages, G_MAXINT);
    }
}

/* A file that asks for a password says so in its trailer. Bounded; a guess for the words only. */
static gboolean asks_for_password(const char *pdf)
{
    g_autofree char *bytes = g_malloc(SCAN_BYTES);
    gboolean is_found = FALSE;
    FILE *file = fopen(pdf, "rb");
    if (file == NULL)
        return FALSE;
    if (fseek(file, -SCAN_BYTES, SEEK_END) != 0)
        rewind(file);
    gsize len = fread(bytes, 1, SCAN_BYTES, file);
    fclose(file);
    is_found = memmem(bytes, len, "/Encrypt", 8) != NULL;
    return is_found;
}

static void on_ended(MnbChild *child, int exit_code, int signal_number, gboolean will_restart,
                     gpointer data)
{
    MnbSlidesJob *job = data;
    if (job->reason == NULL && exit_code < 0 && signal_number == 0)
        job->reason = "failed"; /* could not be started */
    else if (job->reason == NULL && exit_code != 0)
        job->reason =
            job->step == STEP_INFO && asks_for_password(job->pdf) ? "encrypted" : "damaged";
    else if (job->reason == NULL && job->pages == 0)
        job->reason = "damaged";
    else if (job->reason == NULL && job->pages > job->pages_max)
        job->reason = "too-many-pages";
    /* Not from inside the child's own callback. */
    if (job->idle == 0)
        job->idle = g_idle_add(on_step_over, job);
}

static const MnbChildCalls calls = {
    .prepare = prepare,
    .on_started = on_started,
    .on_line = on_line,
    .on_ended = on_ended,
};

static void run(MnbSlidesJob *job)
{
    g_autoptr(GError) error = NULL;
    job->child = mnb_child_new(&(MnbChildOptions){.name = "slides"}, &calls, job);
    if (mnb_child_start(job->child, &error))
        return;
    MNB_LOG_WARNING("slides cannot be converted", "reason=\"%s\"", error->message);
    job->reason = "failed";
    if (job->idle == 0)
        job->idle = g_idle_add(on_step_over, job);
}

static gboolean on_limit(gpointer data)
{
    MnbSlidesJob *job = data;
    job->limit = 0;
    job->reason = "too-slow";
    g_clear_pointer(&job->child, mnb_child_free); /* kills it */
    if (job->idle == 0)
        job->idle = g_idle_add(on_step_over, job);
    return G_SOURCE_REMOVE;
}

MnbSlidesJob *mnb_slides_job_new(const MnbWalls *walls, const char *folder, guint pages_max,
                                 MnbSlidesDone done, gpointer data)
{
    MnbSlidesJob *job = g_new0(MnbSlidesJob, 1);
    job->walls = walls;
    job->folder = g_strdup(folder);
    job->pdf = g_build_filename(folder, "deck.pdf", NULL);
    job->pages_max = pages_max;
    job->done = done;
    job->data = data;
    job->limit = g_timeout_add_seconds(LIMIT_S, on_limit, job);
    run(job);
    return job;
}

void mnb_slides_job_free(MnbSlidesJob *job)
{
    if (job == NULL)
        return;
    mnb_child_free(job->child);
    g_clear_handle_id(&job->limit, g_source_remove);
    g_clear_handle_id(&job->idle, g_source_remove);
    g_free(job->folder);
    g_free(job->pdf);
    g_free(job);
}
