/* Slides: what is shown, and pointing at it (docs/protocol.md, 4.2.4). */
#include "server/rooms/asked.h"
#include "server/rooms/room-slides.h"
#include "server/rooms/slides.h"
#include <string.h>

static MnbDeck *find_deck(const MnbAsked *asked, const char *id)
{
    MnbDeck *deck = mnb_classroom_deck(&asked->room->state->room, id);
    if (deck == NULL)
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_FOUND, "there is no such deck of slides");
    return deck;
}

static void on_show_slides(const MnbAsked *asked)
{
    const char *id = mnb_asked_text(asked, "deck");
    const MnbDeck *deck = *id != '\0' ? find_deck(asked, id) : NULL;
    if (*id != '\0' && deck == NULL)
        return;
    if (deck != NULL && deck->state != MNB_DECK_READY) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_ALLOWED, "these slides are not ready");
        return;
    }
    mnb_asked_append(asked, "deck-shown", json_incref(asked->request->args));
}

static void on_page(const MnbAsked *asked)
{
    const MnbDeck *deck = find_deck(asked, asked->room->state->room.deck);
    if (deck == NULL)
        return;
    if (mnb_asked_number(asked, "page") > deck->pages) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_FOUND, "the slides have no such page");
        return;
    }
    mnb_asked_append(asked, "page", json_incref(asked->request->args));
}

static void on_pointer(const MnbAsked *asked)
{
    if (find_deck(asked, asked->room->state->room.deck) == NULL)
        return;
    json_t *fields = json_copy(asked->request->args);
    json_object_set_new(fields, "peer", json_string(asked->peer->id));
    g_autofree char *text = mnb_room_json_message("pointer", fields);
    mnb_room_broadcast(asked->room, text);
    mnb_asked_accept(asked);
}

static void on_remove_slides(const MnbAsked *asked)
{
    if (find_deck(asked, mnb_asked_text(asked, "deck")) != NULL)
        mnb_asked_append(asked, "deck-removed", json_incref(asked->request->args));
}

static void on_upload_slides(const MnbAsked *asked)
{
    MnbRoom *room = asked->room;
    const MnbSlides *slides = room->rooms->slides;
    const char *session = room->state->session;
    if (slides == NULL) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_NOT_FOUND, "this server takes no slides");
        return;
    }
    if (room->state->room.decks->len >= MNB_DECKS_MAX) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_TOO_MANY,
                         "at most 20 decks of slides in a session: remove one");
        return;
    }
    const char *ticket = mnb_slides_ticket(room->rooms->slides, session, asked->peer->id,
                                           mnb_asked_text(asked, "name"));
    if (ticket == NULL) {
        mnb_asked_refuse(asked, MNB_ROOMS_ERROR_TOO_MANY,
                         "too many files are on their way: try again in a minute");
        return;
    }
    g_autofree char *path = g_strdup_printf("/api/v1/sessions/%s/slides", session);
    mnb_owed_accept(mnb_asked_owe(asked), json_pack("{s:s, s:s, s:i}", "ticket", ticket, "path",
                                                    path, "max_bytes", MNB_SLIDES_BYTES_MAX));
}

MnbRequestHandler mnb_requests_slides(MnbRequestKind kind)
{
    switch (kind) {
    case MNB_REQUEST_UPLOAD_SLIDES:
        return on_upload_slides;
    case MNB_REQUEST_SHOW_SLIDES:
        return on_show_slides;
    case MNB_REQUEST_PAGE:
        return on_page;
    case MNB_REQUEST_POINTER:
        return on_pointer;
    case MNB_REQUEST_REMOVE_SLIDES:
        return on_remove_slides;
    default:
        return NULL;
    }
}
