/* Role links: making, listing and revoking them, and what somebody who comes by one is told. */
#include "recordings/audit.h"
#include "recordings/link.h"
#include "recordings/mail.h"
#include "server/base/error.h"
#include "server/http/api.h"
#include "server/http/objects.h"
#include "server/http/qr-svg.h"
#include <string.h>

static const char *const roles[] = {"facilitator", "presenter", "interpreter",
                                    "participant", "observer",  NULL};

void mnb_api_links(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_http_request_db(request);
    const char *id = mnb_http_request_param(request, 0);
    g_autoptr(MnbEvent) event = mnb_event_find(db, id, &error);
    g_autoptr(GPtrArray) links = event != NULL ? mnb_link_list(db, id, &error) : NULL;
    if (links == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *items = json_array();
    for (guint i = 0; i < links->len; i++)
        json_array_append_new(items, mnb_json_link(g_ptr_array_index(links, i)));
    mnb_http_request_answer_json(request, 200, json_pack("{s:o}", "items", items));
}

/* ---- making ---- */

typedef struct {
    char *event;
    char *label;
    char *actor;
    MnbRole role;
    gint64 expires_us;
    gint64 now_us;
    MnbLink *link; /* the result */
    char token[MNB_TOKEN_SIZE];
} NewLink;

static void free_new_link(gpointer data)
{
    NewLink *made = data;
    mnb_link_free(made->link);
    g_free(made->event);
    g_free(made->label);
    g_free(made->actor);
    g_free(made);
}

static gboolean write_link(MnbDb *db, gpointer data, GError **error)
{
    NewLink *made = data;
    g_clear_pointer(&made->link, mnb_link_free);
    made->link = mnb_link_create(db, MNB_LINK_ROLE, made->event, NULL, made->role, made->label,
                                 made->expires_us, made->now_us, made->token, error);
    if (made->link == NULL)
        return FALSE;
    g_autofree char *object = g_strconcat("link:", made->link->id, NULL);
    g_autofree char *detail = g_strdup_printf("{\"event\":\"%s\",\"role\":\"%s\"}", made->event,
                                              mnb_role_to_string(made->role));
    return mnb_audit_append(db, made->now_us, made->actor, "link-create", object, detail, error);
}

static void on_link_made(MnbHttpRequest *request, gpointer data)
{
    const NewLink *made = data;
    g_autofree char *url =
        g_strconcat(mnb_http_request_services(request)->public_url, "/join#", made->token, NULL);
    g_autofree char *svg = mnb_qr_svg(url);
    json_t *json = mnb_json_link(made->link);
    json_object_set_new(json, "url", json_string(url));
    json_object_set_new(json, "qr_svg", mnb_json_text(svg));
    mnb_http_request_answer_json(request, 201, json);
}

void mnb_api_link_create(MnbHttpRequest *request)
{
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return;
    const char *role = NULL;
    const char *label = "";
    gint64 expires_us = 0;
    mnb_fields_require(fields, "role");
    mnb_fields_choice(fields, "role", roles, &role);
    mnb_fields_text(fields, "label", 0, MNB_LINK_LABEL_MAX, &label);
    if (mnb_fields_time(fields, "expires_at", TRUE, &expires_us) && expires_us != 0 &&
        expires_us <= mnb_http_request_wall_us(request))
        mnb_fields_wrong(fields, "expires_at", "in-the-past");
    MnbProblem *problem = mnb_fields_finish(fields);
    if (problem != NULL) {
        mnb_http_request_answer_problem(request, problem);
        return;
    }
    NewLink *made = g_new0(NewLink, 1);
    made->event = g_strdup(mnb_http_request_param(request, 0));
    made->label = g_strdup(label);
    made->actor = g_strdup(mnb_http_request_asker(request)->actor);
    mnb_role_parse(role, &made->role);
    made->expires_us = expires_us;
    made->now_us = mnb_http_request_wall_us(request);
    mnb_http_request_write(request, write_link, made, free_new_link, on_link_made);
}

/* ---- revoking ---- */

typedef struct {
    char *link;
    char *actor;
    gint64 now_us;
} Revocation;

static void free_revocation(gpointer data)
{
    Revocation *revocation = data;
    g_free(revocation->link);
    g_free(revocation->actor);
    g_free(revocation);
}

static gboolean write_revocation(MnbDb *db, gpointer data, GError **error)
{
    const Revocation *revocation = data;
    g_autofree char *object = g_strconcat("link:", revocation->link, NULL);
    return mnb_link_revoke(db, revocation->link, revocation->now_us, error) &&
           mnb_audit_append(db, revocation->now_us, revocation->actor, "link-revoke", object, NULL,
                            error);
}

static void on_revoked(MnbHttpRequest *request, gpointer data)
{
    const Revocation *revocation = data;
    mnb_rooms_revoke_link(mnb_http_request_services(request)->rooms, revocation->link);
    mnb_http_request_answer_empty(request, 204);
}

void mnb_api_link_revoke(MnbHttpRequest *request)
{
    Revocation *revocation = g_new0(Revocation, 1);
    revocation->link = g_strdup(mnb_http_request_param(request, 0));
    revocation->actor = g_strdup(mnb_http_request_asker(request)->actor);
    revocation->now_us = mnb_http_request_wall_us(request);
    mnb_http_request_write(request, write_revocation, revocation, free_revocation, on_revoked);
}

/* ---- coming in ---- */

void mnb_api_join(MnbHttpRequest *request)
{
    const MnbLink *link = mnb_http_request_asker(request)->link;
    if (link == NULL || link->kind != MNB_LINK_ROLE) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(401, "link-unknown",
                                     "this link does not open anything; ask for a new one"));
        return;
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbEvent) event = mnb_event_find(mnb_http_request_db(request), link->event, &error);
    if (event == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *session = json_null();
    if (event->session != NULL)
        session = json_pack("{s:s, s:s}", "id", event->session, "state",
                            mnb_session_state_to_string(event->session_state));
    g_autofree char *name = mnb_mail_name_of_link(mnb_http_request_db(request), link->id);
    mnb_http_request_answer_json(
        request, 200,
        json_pack("{s:o, s:s, s:s, s:s, s:o}", "event", mnb_json_event(request, event), "role",
                  mnb_role_to_string(link->role), "label", link->label != NULL ? link->label : "",
                  "name", name != NULL ? name : "", "session", session));
}
