/* Invitations by mail: a link of his own for each person, and the message that brings it. With a
 * relay the messages wait in the table `mail`; without one they are in the answer, to be copied. */
#include "recordings/audit.h"
#include "recordings/mail.h"
#include "recordings/taxonomy.h"
#include "server/base/error.h"
#include "server/http/api.h"
#include "server/http/ical.h"
#include "server/http/objects.h"
#include "server/mail/compose.h"
#include "server/mail/invitation.h"
#include "server/mail/mailer.h"
#include <string.h>

#define PEOPLE_MAX 50
#define NOTE_MAX   2000
#define NO_RELAY   "manabi@localhost.localdomain" /* of messages that somebody else sends */

static const char *const roles[] = {"facilitator", "presenter", "interpreter",
                                    "participant", "observer",  NULL};
static const char *const languages[] = {"en", "ja", NULL};

typedef struct {
    char *name, *address, *language;
    /* the result */
    MnbLink *link;
    MnbMail *mail;
    char *eml;
    char token[MNB_TOKEN_SIZE];
} Person;

typedef struct {
    char *event, *actor, *note, *public_url;
    char *from; /* NULL: no relay */
    MnbRole role;
    gint64 expires_us, now_us;
    GPtrArray *people; /* Person */
} Inviting;

static void forget_result(Person *person)
{
    g_clear_pointer(&person->link, mnb_link_free);
    g_clear_pointer(&person->mail, mnb_mail_free);
    g_clear_pointer(&person->eml, g_free);
}

static void person_free(gpointer data)
{
    Person *person = data;
    forget_result(person);
    g_free(person->name);
    g_free(person->address);
    g_free(person->language);
    g_free(person);
}

static void inviting_free(gpointer data)
{
    Inviting *inviting = data;
    g_ptr_array_unref(inviting->people);
    g_free(inviting->event);
    g_free(inviting->actor);
    g_free(inviting->note);
    g_free(inviting->public_url);
    g_free(inviting->from);
    g_free(inviting);
}

/* ---------------------------------------------------------------------------- on the writer thread
 */

/* Returns (owned): the message with calendar. */
static char *compose(MnbDb *db, const Inviting *inviting, const MnbEvent *event,
                     const Person *person, const char *id, GError **error)
{
    gboolean ja = strcmp(person->language, "ja") == 0;
    g_autoptr(MnbCity) city = mnb_city_find(db, event->city, error);
    if (city == NULL)
        return NULL;
    const char *place = ja ? city->name_ja : city->name_en;
    g_autofree char *url = g_strconcat(inviting->public_url, "/join?lang=", person->language, "#",
                                       person->token, NULL);
    MnbInvitation invitation = {
        .event = event,
        .city = place,
        .name = person->name,
        .note = inviting->note,
        .url = url,
        .role = inviting->role,
        .expires_us = inviting->expires_us,
        .is_japanese = ja,
    };
    g_autofree char *subject = mnb_invitation_subject(&invitation);
    g_autofree char *text = mnb_invitation_text(&invitation);
    g_autoptr(MnbIcal) ical = mnb_ical_new(ja ? MNB_ICAL_JA : MNB_ICAL_EN, NULL);
    mnb_ical_add(ical, event, place, url, TRUE);
    g_autofree char *calendar = mnb_ical_to_text(ical);
    return mnb_compose(
        &(MnbCompose){
            .from = inviting->from != NULL ? inviting->from : NO_RELAY,
            .to_name = person->name,
            .to_address = person->address,
            .subject = subject,
            .text = text,
            .calendar = calendar,
            .language = person->language,
            .id = id,
            .at_us = inviting->now_us,
        },
        error);
}

static gboolean invite(MnbDb *db, const Inviting *inviting, const MnbEvent *event, Person *person,
                       GError **error)
{
    forget_result(person);
    person->link =
        mnb_link_create(db, MNB_LINK_ROLE, inviting->event, NULL, inviting->role, person->name,
                        inviting->expires_us, inviting->now_us, person->token, error);
    if (person->link == NULL)
        return FALSE;
    person->mail = g_new0(MnbMail, 1);
    person->mail->id = mnb_id_new();
    person->mail->event = g_strdup(inviting->event);
    person->mail->link = g_strdup(person->link->id);
    person->mail->role = g_strdup(mnb_role_to_string(inviting->role));
    person->mail->name = g_strdup(person->name);
    person->mail->address = g_strdup(person->address);
    person->mail->language = g_strdup(person->language);
    person->eml = compose(db, inviting, event, person, person->mail->id, error);
    if (person->eml == NULL)
        return FALSE;
    if (inviting->from != NULL)
        person->mail->message = g_strdup(person->eml);
    return mnb_mail_insert(db, person->mail, inviting->now_us, error);
}

static gboolean write_invitations(MnbDb *db, gpointer data, GError **error)
{
    const Inviting *inviting = data;
    g_autoptr(MnbEvent) event = mnb_event_find(db, inviting->event, error);
    for (guint i = 0; event != NULL && i < inviting->people->len; i++)
        if (!invite(db, inviting, event, g_ptr_array_index(inviting->people, i), error))
            return FALSE;
    if (event == NULL)
        return FALSE;
    g_autofree char *object = g_strconcat("event:", inviting->event, NULL);
    g_autofree char *detail =
        g_strdup_printf("{\"people\":%u,\"role\":\"%s\"}", inviting->people->len,
                        mnb_role_to_string(inviting->role));
    return mnb_audit_append(db, inviting->now_us, inviting->actor, "invite", object, detail, error);
}

/* ------------------------------------------------------------------------------------ answers */

static json_t *time_or_null(gint64 wall_us)
{
    g_autofree char *text = wall_us != 0 ? mnb_time_to_rfc3339(wall_us) : NULL;
    return text != NULL ? json_string(text) : json_null();
}

static json_t *mail_json(const MnbMail *mail)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:o}", "id", mail->id, "link", mail->link,
        "name", mail->name, "address", mail->address, "role", mail->role, "language",
        mail->language, "state", mnb_mail_state_to_string(mail->state), "attempts", mail->attempts,
        "created_at", time_or_null(mail->created_us), "sent_at", time_or_null(mail->sent_us));
    json_object_set_new(json, "reason",
                        mail->reason_code != NULL
                            ? json_pack("{s:s, s:s}", "code", mail->reason_code, "detail",
                                        mail->reason_detail != NULL ? mail->reason_detail : "")
                            : json_null());
    return json;
}

static void on_invited(MnbHttpRequest *request, gpointer data)
{
    const Inviting *inviting = data;
    const MnbServices *services = mnb_http_request_services(request);
    json_t *items = json_array();
    for (guint i = 0; i < inviting->people->len; i++) {
        const Person *person = g_ptr_array_index(inviting->people, i);
        json_t *item = mail_json(person->mail);
        g_autofree char *url = g_strconcat(inviting->public_url, "/join#", person->token, NULL);
        json_object_set_new(item, "url", json_string(url));
        json_object_set_new(item, "eml",
                            inviting->from == NULL ? mnb_json_text(person->eml) : json_null());
        json_array_append_new(items, item);
    }
    if (services->mailer != NULL)
        mnb_mailer_kick(services->mailer);
    mnb_http_request_answer_json(
        request, 201,
        json_pack("{s:b, s:o}", "has_relay", services->mailer != NULL, "items", items));
}

void mnb_api_invitations(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) mails =
        mnb_mail_list(mnb_http_request_db(request), mnb_http_request_param(request, 0), &error);
    if (mails == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *items = json_array();
    for (guint i = 0; i < mails->len; i++)
        json_array_append_new(items, mail_json(g_ptr_array_index(mails, i)));
    mnb_http_request_answer_json(request, 200,
                                 json_pack("{s:b, s:o}", "has_relay",
                                           mnb_http_request_services(request)->mailer != NULL,
                                           "items", items));
}

/* ------------------------------------------------------------------------------------ reading */

static Person *read_person(MnbFields *fields, guint i)
{
    g_autoptr(MnbFields) item = mnb_fields_item(fields, "people", i);
    if (item == NULL)
        return NULL;
    const char *name = "", *address = "", *language = "en";
    mnb_fields_require(item, "name");
    mnb_fields_require(item, "address");
    mnb_fields_text(item, "name", 1, MNB_MAIL_NAME_MAX, &name);
    if (mnb_fields_text(item, "address", 1, MNB_MAIL_ADDRESS_MAX, &address) &&
        !mnb_mail_address_is_valid(address))
        mnb_fields_wrong(item, "address", "not-an-address");
    mnb_fields_choice(item, "language", languages, &language);
    mnb_problem_free(mnb_fields_finish(item));
    Person *person = g_new0(Person, 1);
    person->name = g_strdup(name);
    person->address = g_strdup(address);
    person->language = g_strdup(language);
    return person;
}

static gboolean is_twice(const GPtrArray *people, const char *address)
{
    for (guint i = 0; i < people->len; i++)
        if (g_ascii_strcasecmp(((const Person *)g_ptr_array_index(people, i))->address, address) ==
            0)
            return TRUE;
    return FALSE;
}

static void read_people(MnbFields *fields, GPtrArray *people)
{
    guint n = 0;
    mnb_fields_require(fields, "people");
    if (!mnb_fields_list(fields, "people", PEOPLE_MAX, &n))
        return;
    if (n == 0)
        mnb_fields_wrong(fields, "people", "required");
    for (guint i = 0; i < n; i++) {
        Person *person = read_person(fields, i);
        if (person == NULL)
            continue;
        if (person->address[0] != '\0' && is_twice(people, person->address)) {
            g_autofree char *field = g_strdup_printf("people[%u].address", i);
            mnb_fields_wrong(fields, field, "twice");
        }
        g_ptr_array_add(people, person);
    }
}

void mnb_api_invite(MnbHttpRequest *request)
{
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return;
    const MnbServices *services = mnb_http_request_services(request);
    const char *role = NULL, *note = "";
    Inviting *inviting = g_new0(Inviting, 1);
    inviting->people = g_ptr_array_new_with_free_func(person_free);
    inviting->now_us = mnb_http_request_wall_us(request);
    mnb_fields_require(fields, "role");
    mnb_fields_choice(fields, "role", roles, &role);
    mnb_fields_text(fields, "note", 0, NOTE_MAX, &note);
    if (mnb_fields_time(fields, "expires_at", TRUE, &inviting->expires_us) &&
        inviting->expires_us != 0 && inviting->expires_us <= inviting->now_us)
        mnb_fields_wrong(fields, "expires_at", "in-the-past");
    read_people(fields, inviting->people);
    inviting->note = g_strdup(note);
    inviting->event = g_strdup(mnb_http_request_param(request, 0));
    inviting->actor = g_strdup(mnb_http_request_asker(request)->actor);
    inviting->public_url = g_strdup(services->public_url);
    inviting->from = services->mailer != NULL ? g_strdup(mnb_mailer_from(services->mailer)) : NULL;
    MnbProblem *problem = mnb_fields_finish(fields);
    if (problem != NULL) {
        inviting_free(inviting);
        mnb_http_request_answer_problem(request, problem);
        return;
    }
    mnb_role_parse(role, &inviting->role);
    mnb_http_request_write(request, write_invitations, inviting, inviting_free, on_invited);
}
