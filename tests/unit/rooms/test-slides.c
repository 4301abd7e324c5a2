/* From a PDF to pictures, with the real programs, and what is refused. */
#include "pipelines/manager/programs.h"
#include "server/rooms/room-slides.h"
#include "server/rooms/slides.h"
#include "tests/unit/rooms/world.h"
#include <string.h>

static void begin_object(GString *pdf, GArray *offsets)
{
    gsize at = pdf->len;
    g_array_append_val(offsets, at);
    g_string_append_printf(pdf, "%u 0 obj\n", offsets->len);
}

static GBytes *make_pdf(guint count)
{
    g_autoptr(GString) pdf = g_string_new("%PDF-1.4\n");
    g_autoptr(GArray) offsets = g_array_new(FALSE, FALSE, sizeof(gsize));
    static const char content[] = "BT /F1 48 Tf 60 300 Td (Manabi) Tj ET";
    begin_object(pdf, offsets);
    g_string_append(pdf, "<</Type/Catalog/Pages 2 0 R>>\nendobj\n");
    begin_object(pdf, offsets);
    g_string_append_printf(pdf, "<</Type/Pages/Count %u/Kids[", count);
    for (guint i = 0; i < count; i++)
        g_string_append_printf(pdf, "%u 0 R ", 5 + i);
    g_string_append(pdf, "]>>\nendobj\n");
    begin_object(pdf, offsets);
    g_string_append_printf(pdf, "<</Length %zu>>\nstream\n%s\nendstream\nendobj\n", strlen(content),
                           content);
    begin_object(pdf, offsets);
    g_string_append(pdf, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>\nendobj\n");
    for (guint i = 0; i < count; i++) {
        begin_object(pdf, offsets);
        g_string_append(pdf, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 800 600]/Contents 3 0 R"
                             "/Resources<</Font<</F1 4 0 R>>>>>>\nendobj\n");
    }
    gsize xref = pdf->len;
    g_string_append_printf(pdf, "xref\n0 %u\n0000000000 65535 f \n", offsets->len + 1);
    for (guint i = 0; i < offsets->len; i++)
        g_string_append_printf(pdf, "%010zu 00000 n \n", g_array_index(offsets, gsize, i));
    g_string_append_printf(pdf, "trailer\n<</Size %u/Root 1 0 R>>\nstartxref\n%zu\n%%%%EOF\n",
                           offsets->len + 1, xref);
    return g_bytes_new(pdf->str, pdf->len);
}

typedef struct {
    char deck[MNB_ID_SIZE];
    GError *error;
    gboolean is_done;
} Added;

static void on_added(const char *deck, const GError *error, gpointer data)
{
    Added *added = data;
    added->is_done = TRUE;
    added->error = error != NULL ? g_error_copy(error) : NULL;
    g_strlcpy(added->deck, deck != NULL ? deck : "", sizeof added->deck);
}

static char *ticket_of(Socket *socket)
{
    json_t *answer = json_loads(socket_ask(socket, "upload-slides", "\"name\":\"Waste\""), 0, NULL);
    char *ticket = g_strdup(json_string_value(json_object_get(answer, "ticket")));
    g_assert_nonnull(ticket);
    json_decref(answer);
    return ticket;
}

static void add(World *world, Socket *socket, GBytes *pdf, Added *added)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *token = ticket_of(socket);
    MnbSlidesTicket *ticket =
        mnb_rooms_slides_take(world->rooms, world->event->session, token, &error);
    g_assert_no_error(error);
    g_assert_null(mnb_rooms_slides_take(world->rooms, world->event->session, token, NULL));
    *added = (Added){0};
    mnb_rooms_slides_add(world->rooms, ticket, pdf, on_added, added);
    while (!added->is_done)
        g_main_context_iteration(NULL, TRUE);
}

static const MnbDeck *wait_for_deck(World *world, const char *id)
{
    const MnbDeck *deck = mnb_classroom_deck(&world_room(world)->state->room, id);
    g_assert_nonnull(deck);
    while (deck->state == MNB_DECK_CONVERTING)
        g_main_context_iteration(NULL, TRUE);
    return deck;
}

static gboolean has_page(const World *world, const char *deck, const char *page)
{
    g_autofree char *path =
        g_build_filename(world->slides_dir, world->event->session, deck, page, NULL);
    g_autofree char *bytes = NULL;
    gsize len = 0;
    return g_file_get_contents(path, &bytes, &len, NULL) && len > 500 &&
           memcmp(bytes, "\xff\xd8\xff", 3) == 0;
}

static void test_pages(void)
{
    World world;
    Socket host, guest;
    Added added;
    g_autoptr(GBytes) pdf = make_pdf(12);
    world_open(&world);
    g_free(world_join(&world, &host, MNB_ROLE_PRESENTER, "Mika", NULL));
    g_free(world_join(&world, &guest, MNB_ROLE_PARTICIPANT, "Ana", NULL));
    add(&world, &host, pdf, &added);
    g_assert_no_error(added.error);
    const MnbDeck *deck = wait_for_deck(&world, added.deck);
    g_assert_cmpstr(deck->reason, ==, NULL);
    g_assert_cmpint(deck->state, ==, MNB_DECK_READY);
    g_assert_cmpuint(deck->pages, ==, 12);
    g_assert_true(has_page(&world, deck->id, "1-large.jpg"));
    g_assert_true(has_page(&world, deck->id, "12-large.jpg"));
    g_assert_true(has_page(&world, deck->id, "12-small.jpg"));
    socket_wait(&guest, "\"state\":\"ready\",\"pages\":12");
    socket_must(&host, "show-slides", "\"deck\":\"%s\"", deck->id);
    socket_must(&host, "page", "\"page\":12");
    socket_must_not(&host, "not-found", "page", "\"page\":13");
    socket_wait(&guest, "\"type\":\"page\"");
    socket_must(&host, "pointer", "\"x\":500,\"y\":250,\"on\":true");
    socket_wait(&guest, "\"kind\":\"pointer\"");
    g_autofree char *before = mnb_room_state_dump(world_room(&world)->state);
    world_restart(&world);
    g_autofree char *after = mnb_room_state_dump(world_room(&world)->state);
    g_assert_cmpstr(before, ==, after);
    socket_close(&guest);
    socket_close(&host);
    world_close(&world);
}

static void expect_failure(World *world, Socket *host, GBytes *pdf, const char *reason)
{
    Added added;
    add(world, host, pdf, &added);
    g_assert_no_error(added.error);
    const MnbDeck *deck = wait_for_deck(world, added.deck);
    g_assert_cmpint(deck->state, ==, MNB_DECK_FAILED);
    g_assert_cmpstr(deck->reason, ==, reason);
    socket_must_not(host, "not-allowed", "show-slides", "\"deck\":\"%s\"", deck->id);
}

static void test_bad_files(void)
{
    World world;
    Socket host;
    Added added;
    g_autoptr(GBytes) text = g_bytes_new_static("PK\3\4 I am a presentation", 24);
    g_autoptr(GBytes) cut = g_bytes_new_static("%PDF-1.7\nbut then nothing", 24);
    g_autoptr(GBytes) locked = g_bytes_new_static("%PDF-1.7\ntrailer <</Encrypt 1 0 R>>", 34);
    g_autoptr(GBytes) long_one = make_pdf(5000);
    world_open(&world);
    g_free(world_join(&world, &host, MNB_ROLE_FACILITATOR, "Mika", NULL));
    add(&world, &host, text, &added);
    g_assert_error(added.error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_BAD_MESSAGE);
    g_clear_error(&added.error);
    expect_failure(&world, &host, cut, "damaged");
    expect_failure(&world, &host, locked, "encrypted");
    expect_failure(&world, &host, long_one, "too-many-pages");
    socket_close(&host);
    world_close(&world);
}

/* Killed in the middle: the conversion begins again by itself. */
static void test_restart(void)
{
    World world;
    Socket host;
    Added added;
    g_autoptr(GBytes) pdf = make_pdf(3);
    world_open(&world);
    g_free(world_join(&world, &host, MNB_ROLE_FACILITATOR, "Mika", NULL));
    socket_must(&host, "start-session", NULL);
    add(&world, &host, pdf, &added);
    g_autofree char *token = ticket_of(&host);
    socket_close(&host);
    world_restart(&world);
    const MnbDeck *deck = wait_for_deck(&world, added.deck);
    g_assert_cmpint(deck->state, ==, MNB_DECK_READY);
    g_assert_true(has_page(&world, deck->id, "3-small.jpg"));
    /* Tickets are not kept over a restart. */
    g_assert_null(mnb_rooms_slides_take(world.rooms, world.event->session, token, NULL));
    world_close(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *program = mnb_programs_find_system("pdftocairo", "poppler-utils", NULL);
    if (program == NULL) {
        g_test_message("poppler-utils is not installed");
        return 77;
    }
    g_test_add_func("/rooms/slides/become-pictures", test_pages);
    g_test_add_func("/rooms/slides/say-what-is-wrong-with-a-file", test_bad_files);
    g_test_add_func("/rooms/slides/begin-again-after-a-restart", test_restart);
    return g_test_run();
}
