/* Slides of a session: bringing a PDF, and its pages as pictures. */
#include "server/rooms/slides.h"
#include "server/http/api.h"
#include "server/http/http-internal.h"
#include <string.h>

#define PAGE_MAX_DIGITS 4

static void on_added(const char *deck, const GError *error, gpointer data)
{
    g_autoptr(MnbHttpRequest) request = data;
    if (mnb_http_request_is_closed(request))
        return;
    if (error == NULL)
        mnb_http_request_answer_json(request, 202, json_pack("{s:s}", "id", deck));
    else if (g_error_matches(error, MNB_ROOMS_ERROR, MNB_ROOMS_ERROR_BAD_MESSAGE))
        mnb_http_request_answer_problem(request,
                                        mnb_problem_new(422, "not-a-pdf", "%s", error->message));
    else
        mnb_http_request_answer_problem(request, mnb_problem_new(mnb_rooms_error_status(error),
                                                                 mnb_rooms_error_code(error), "%s",
                                                                 error->message));
}

void mnb_api_slides_add(MnbHttpRequest *request)
{
    MnbSlidesTicket *ticket = g_steal_pointer(&request->slides);
    GByteArray *body = g_steal_pointer(&request->body);
    request->body = g_byte_array_new();
    g_autoptr(GBytes) pdf = g_byte_array_free_to_bytes(body);
    mnb_rooms_slides_add(mnb_http_request_services(request)->rooms, ticket, pdf, on_added,
                         mnb_http_request_ref(request));
}

/* "12-large.jpg", "3-small.jpg". */
static gboolean is_page(const char *name)
{
    gsize digits = strspn(name, "0123456789");
    return digits > 0 && digits <= PAGE_MAX_DIGITS && name[0] != '0' &&
           (strcmp(name + digits, "-large.jpg") == 0 || strcmp(name + digits, "-small.jpg") == 0);
}

void mnb_api_slides_page(MnbHttpRequest *request)
{
    const char *name = mnb_http_request_rest(request);
    if (!is_page(name)) {
        mnb_http_request_answer_not_found(request);
        return;
    }
    g_autofree char *file =
        g_strdup_printf("/-/slides/%s/%s/%s", mnb_http_request_param(request, 0),
                        mnb_http_request_param(request, 1), name);
    mnb_http_request_set_header(request, "X-Accel-Redirect", file);
    mnb_http_request_set_header(request, "Cache-Control", "private, max-age=86400");
    mnb_http_request_answer_text(request, 200, "image/jpeg", "");
}
