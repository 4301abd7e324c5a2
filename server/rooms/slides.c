#include "server/rooms/slides.h"
#include "pipelines/manager/trees.h"
#include "recordings/store.h"
#include "server/base/clock.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/rooms/room-slides.h"
#include "server/rooms/slides-job.h"
#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>

#define TICKETS_MAX  8 /* not used yet, in the whole server */
#define TICKET_US    (10 * 60 * G_USEC_PER_SEC)
#define HEADER_BYTES 1024 /* within which a PDF says that it is one */

struct MnbSlidesTicket {
    char token[MNB_TOKEN_SIZE];
    char session[MNB_ID_SIZE];
    char peer[MNB_ID_SIZE];
    char *name;
    gint64 made_us;
};

/* One deck under way: being written, converted or moved to its place. */
typedef struct {
    MnbSlides *slides; /* NULL: the rooms are gone */
    char session[MNB_ID_SIZE];
    char deck[MNB_ID_SIZE];
    char peer[MNB_ID_SIZE];
    char *name;
    char *work, *place; /* folders */
    GBytes *pdf;
    MnbSlidesJob *job;
    guint pages;
    MnbSlidesAdded done;
    gpointer data;
} Work;

struct MnbSlides {
    MnbRooms *rooms;
    char *folder;
    GPtrArray *tickets; /* MnbSlidesTicket */
    GPtrArray *works;   /* Work, borrowed */
};

void mnb_slides_ticket_free(MnbSlidesTicket *ticket)
{
    if (ticket == NULL)
        return;
    g_free(ticket->name);
    g_free(ticket);
}

static void work_free(Work *work)
{
    if (work->slides != NULL)
        g_ptr_array_remove_fast(work->slides->works, work);
    mnb_slides_job_free(work->job);
    g_clear_pointer(&work->pdf, g_bytes_unref);
    g_free(work->name);
    g_free(work->work);
    g_free(work->place);
    g_free(work);
}

MnbSlides *mnb_slides_new(MnbRooms *rooms, const char *folder)
{
    if (folder == NULL)
        return NULL;
    MnbSlides *slides = g_new0(MnbSlides, 1);
    slides->rooms = rooms;
    slides->folder = g_strdup(folder);
    slides->tickets = g_ptr_array_new_with_free_func((GDestroyNotify)mnb_slides_ticket_free);
    slides->works = g_ptr_array_new();
    return slides;
}

void mnb_slides_free(MnbSlides *slides)
{
    if (slides == NULL)
        return;
    for (guint i = slides->works->len; i > 0; i--) {
        Work *work = g_ptr_array_index(slides->works, i - 1);
        gboolean is_idle = work->job != NULL; /* else a thread has it, and its end frees it */
        work->slides = NULL;
        if (is_idle)
            work_free(work);
    }
    g_ptr_array_unref(slides->works);
    g_ptr_array_unref(slides->tickets);
    g_free(slides->folder);
    g_free(slides);
}

static Work *work_new(MnbSlides *slides, const char *session, const char *deck)
{
    Work *work = g_new0(Work, 1);
    g_autofree char *hidden = g_strconcat(".", deck, NULL);
    work->slides = slides;
    g_strlcpy(work->session, session, sizeof work->session);
    g_strlcpy(work->deck, deck, sizeof work->deck);
    work->work = g_build_filename(slides->folder, session, hidden, NULL);
    work->place = g_build_filename(slides->folder, session, deck, NULL);
    g_ptr_array_add(slides->works, work);
    return work;
}

/* ------------------------------------------------------------------------------------- tickets */

static void drop_old_tickets(MnbSlides *slides, gint64 now_us)
{
    for (guint i = slides->tickets->len; i > 0; i--) {
        const MnbSlidesTicket *ticket = g_ptr_array_index(slides->tickets, i - 1);
        if (now_us - ticket->made_us >= TICKET_US)
            g_ptr_array_remove_index_fast(slides->tickets, i - 1);
    }
}

const char *mnb_slides_ticket(MnbSlides *slides, const char *session, const char *peer,
                              const char *name)
{
    gint64 now = mnb_clock_now_us(slides->rooms->clock);
    drop_old_tickets(slides, now);
    if (slides->tickets->len >= TICKETS_MAX)
        return NULL;
    MnbSlidesTicket *ticket = g_new0(MnbSlidesTicket, 1);
    mnb_token_make(ticket->token);
    g_strlcpy(ticket->session, session, sizeof ticket->session);
    g_strlcpy(ticket->peer, peer, sizeof ticket->peer);
    ticket->name = g_strdup(name);
    ticket->made_us = now;
    g_ptr_array_add(slides->tickets, ticket);
    return ticket->token;
}

static MnbSlidesTicket *find_ticket(MnbSlides *slides, const char *session, const char *token)
{
    drop_old_tickets(slides, mnb_clock_now_us(slides->rooms->clock));
    for (guint i = 0; token != NULL && i < slides->tickets->len; i++) {
        const MnbSlidesTicket *ticket = g_ptr_array_index(slides->tickets, i);
        if (strcmp(ticket->token, token) == 0 && strcmp(ticket->session, session) == 0)
            return g_ptr_array_steal_index_fast(slides->tickets, i);
    }
    return NULL;
}

MnbSlidesTicket *mnb_rooms_slides_take(MnbRooms *rooms, const char *session, const char *token,
                                       GError **error)
{
    MnbSlides *slides = rooms->slides;
    MnbSlidesTicket *ticket = slides != NULL ? find_ticket(slides, session, token) : NULL;
    MnbRoom *room = ticket != NULL ? mnb_rooms_open(rooms, session, error) : NULL;
    if (ticket == NULL)
        g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NOT_ALLOWED,
                            "the ticket is unknown, used, or older than ten minutes: ask for "
                            "another in the session");
    if (room == NULL) {
        mnb_slides_ticket_free(ticket);
        return NULL;
    }
    const MnbPeer *peer = mnb_room_peer(room, ticket->peer);
    if (peer == NULL || !peer->is_in || !mnb_peer_may(peer, MNB_MAY_PRESENT))
        g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_NOT_ALLOWED,
                            "who asked for this ticket may not bring slides any more");
    else if (slides->works->len >= MNB_SLIDES_RUNNING)
        g_set_error_literal(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_TOO_MANY,
                            "two files are being converted: try again in a minute");
    else
        return ticket;
    mnb_slides_ticket_free(ticket);
    return NULL;
}

/* ---------------------------------------------------------------------------------- the outcome */

static void append(Work *work, const char *type, const char *peer, json_t *body)
{
    g_autoptr(GError) error = NULL;
    MnbRoom *room = mnb_rooms_open(work->slides->rooms, work->session, &error);
    if (room != NULL)
        mnb_room_append_simple(room, type, peer, body);
    else
        json_decref(body); /* the session ended meanwhile */
}

static void fail(Work *work, const char *reason)
{
    MNB_LOG_INFO("slides refused", "session=%s deck=%s reason=%s", work->session, work->deck,
                 reason);
    append(work, "deck-failed", NULL,
           json_pack("{s:s, s:s}", "deck", work->deck, "reason", reason));
    mnb_slides_remove(work->slides, work->session, work->deck);
    work_free(work);
}

/* Thread. */
static void publish(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    const Work *work = data;
    GError *error = NULL;
    if (mnb_store_publish(work->work, work->place, &error))
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

static void on_published(GObject *source, GAsyncResult *result, gpointer data)
{
    Work *work = data;
    g_autoptr(GError) error = NULL;
    gboolean is_good = g_task_propagate_boolean(G_TASK(result), &error);
    if (work->slides == NULL) {
        work_free(work);
        return;
    }
    if (!is_good) {
        MNB_LOG_ERROR("slides cannot be kept", "session=%s reason=\"%s\"", work->session,
                      error->message);
        fail(work, "failed");
        return;
    }
    MNB_LOG_INFO("slides ready", "session=%s deck=%s pages=%u", work->session, work->deck,
                 work->pages);
    append(work, "deck-ready", NULL,
           json_pack("{s:s, s:i}", "deck", work->deck, "pages", (int)work->pages));
    work_free(work);
}

static void run_in_thread(Work *work, GTaskThreadFunc func, GAsyncReadyCallback then)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, then, work);
    g_task_set_task_data(task, work, NULL);
    g_task_run_in_thread(task, func);
}

static void on_converted(guint pages, const char *reason, gpointer data)
{
    Work *work = data;
    g_clear_pointer(&work->job, mnb_slides_job_free);
    if (pages == 0) {
        fail(work, reason);
        return;
    }
    work->pages = pages;
    run_in_thread(work, publish, on_published);
}

static void convert(Work *work)
{
    work->job = mnb_slides_job_new(work->slides->rooms->walls, work->work, MNB_DECK_PAGES_MAX,
                                   on_converted, work);
}

/* --------------------------------------------------------------------------------- a new file */

/* Thread. */
static void save(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    const Work *work = data;
    GError *error = NULL;
    gsize size;
    const void *bytes = g_bytes_get_data(work->pdf, &size);
    g_autofree char *path = g_build_filename(work->work, "deck.pdf", NULL);
    if (g_mkdir_with_parents(work->work, 0700) != 0)
        mnb_error_from_errno(&error, -errno, "%s", work->work);
    else if (mnb_store_write_file(path, bytes, size, &error)) {
        g_task_return_boolean(task, TRUE);
        return;
    }
    g_task_return_error(task, error);
}

static void refuse(Work *work, const GError *error)
{
    work->done(NULL, error, work->data);
    if (work->slides != NULL)
        mnb_slides_remove(work->slides, work->session, work->deck);
    work_free(work);
}

static void on_added(MnbRoom *room, const GError *error, gpointer data)
{
    Work *work = data;
    if (work->slides == NULL || error != NULL) {
        g_autoptr(GError) over = g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_SESSION_OVER,
                                                     "this session is over");
        refuse(work, error != NULL ? error : over);
        return;
    }
    if (mnb_classroom_deck(&room->state->room, work->deck) == NULL) {
        g_autoptr(GError) full =
            g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_TOO_MANY,
                                "at most 20 decks of slides in a session: remove one");
        refuse(work, full);
        return;
    }
    work->done(work->deck, NULL, work->data);
    convert(work);
}

static void on_saved(GObject *source, GAsyncResult *result, gpointer data)
{
    Work *work = data;
    g_autoptr(GError) cause = NULL;
    g_autoptr(GError) error = NULL;
    g_task_propagate_boolean(G_TASK(result), &cause);
    g_clear_pointer(&work->pdf, g_bytes_unref);
    if (work->slides == NULL) {
        /* Nobody is there any more who could be answered. */
        work_free(work);
        return;
    }
    MnbRoom *room =
        cause == NULL ? mnb_rooms_open(work->slides->rooms, work->session, &error) : NULL;
    if (cause != NULL)
        error = g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_STORAGE, cause->message);
    if (room == NULL) {
        refuse(work, error);
        return;
    }
    MnbAppend entry = {.type = "deck-added",
                       .peer = work->peer,
                       .body = json_pack("{s:s, s:s}", "deck", work->deck, "name", work->name)};
    mnb_room_append(room, &entry, on_added, work);
}

void mnb_rooms_slides_add(MnbRooms *rooms, MnbSlidesTicket *ticket, GBytes *pdf,
                          MnbSlidesAdded done, gpointer data)
{
    char deck[MNB_ID_SIZE];
    gsize size;
    const void *bytes = g_bytes_get_data(pdf, &size);
    if (size == 0 || memmem(bytes, MIN(size, HEADER_BYTES), "%PDF-", 5) == NULL) {
        g_autoptr(GError) error =
            g_error_new_literal(MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_BAD_MESSAGE,
                                "this is not a PDF: save the slides as PDF, and send that");
        done(NULL, error, data);
        mnb_slides_ticket_free(ticket);
        return;
    }
    mnb_id_make(deck);
    Work *work = work_new(rooms->slides, ticket->session, deck);
    g_strlcpy(work->peer, ticket->peer, sizeof work->peer);
    work->name = g_steal_pointer(&ticket->name);
    work->pdf = g_bytes_ref(pdf);
    work->done = done;
    work->data = data;
    mnb_slides_ticket_free(ticket);
    run_in_thread(work, save, on_saved);
}

/* --------------------------------------------------------------------- restart, and removing */

void mnb_slides_resume(MnbSlides *slides, MnbRoom *room)
{
    const MnbClassroom *classroom = &room->state->room;
    for (guint i = 0; slides != NULL && i < classroom->decks->len; i++) {
        const MnbDeck *deck = g_ptr_array_index(classroom->decks, i);
        if (deck->state != MNB_DECK_CONVERTING)
            continue;
        Work *work = work_new(slides, room->state->session, deck->id);
        g_autofree char *ready = g_build_filename(work->place, "deck.pdf", NULL);
        g_autofree char *pdf = g_build_filename(work->work, "deck.pdf", NULL);
        /* Moved to its place, but the entry was lost: it is made anew. */
        if (!g_file_test(pdf, G_FILE_TEST_EXISTS) && g_file_test(ready, G_FILE_TEST_EXISTS) &&
            rename(work->place, work->work) != 0)
            MNB_LOG_WARNING("slides cannot be made again", "deck=%s", deck->id);
        convert(work);
    }
}

/* Thread. */
static void remove_tree(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    for (char **folder = data; *folder != NULL; folder++)
        mnb_tree_remove(*folder);
    g_task_return_boolean(task, TRUE);
}

void mnb_slides_remove(MnbSlides *slides, const char *session, const char *deck)
{
    if (slides == NULL)
        return;
    g_autofree char *hidden = g_strconcat(".", deck, NULL);
    char **folders = g_new0(char *, 3);
    folders[0] = g_build_filename(slides->folder, session, hidden, NULL);
    folders[1] = g_build_filename(slides->folder, session, deck, NULL);
    g_autoptr(GTask) task = g_task_new(NULL, NULL, NULL, NULL);
    g_task_set_task_data(task, folders, (GDestroyNotify)g_strfreev);
    g_task_run_in_thread(task, remove_tree);
}
