#include "server/http/event-plan.h"
#include "recordings/taxonomy.h"

#define AGENDA_TITLE_MAX   200 /* characters, each language */
#define AGENDA_SPEAKER_MAX 100 /* characters */
#define AGENDA_ITEM_MAX_S  86400

static const char *const attendances[] = {"online", "in-person", "hybrid", NULL};

/* Returns (owned): NULL after something was noted. */
static json_t *read_item(MnbFields *fields, guint i)
{
    g_autoptr(MnbFields) item = mnb_fields_item(fields, "agenda", i);
    if (item == NULL)
        return NULL;
    const char *title_en = "", *title_ja = "", *speaker = "";
    gint64 duration_s = 0;
    mnb_fields_text(item, "title_en", 0, AGENDA_TITLE_MAX, &title_en);
    mnb_fields_text(item, "title_ja", 0, AGENDA_TITLE_MAX, &title_ja);
    mnb_fields_text(item, "speaker", 0, AGENDA_SPEAKER_MAX, &speaker);
    mnb_fields_number(item, "duration_s", 0, AGENDA_ITEM_MAX_S, &duration_s);
    if (title_en[0] == '\0' && title_ja[0] == '\0')
        mnb_fields_wrong(item, "title_en", "required");
    mnb_problem_free(mnb_fields_finish(item));
    return json_pack("{s:s, s:s, s:s, s:I}", "title_en", title_en, "title_ja", title_ja, "speaker",
                     speaker, "duration_s", (json_int_t)duration_s);
}

static void apply_agenda(MnbFields *fields, MnbEvent *event)
{
    guint n;
    if (!mnb_fields_list(fields, "agenda", MNB_PLAN_AGENDA_MAX, &n))
        return;
    json_t *agenda = json_array();
    for (guint i = 0; i < n; i++) {
        json_t *item = read_item(fields, i);
        if (item != NULL)
            json_array_append_new(agenda, item);
    }
    char *text = json_dumps(agenda, JSON_COMPACT);
    g_free(event->agenda);
    event->agenda = g_strdup(text);
    free(text);
    json_decref(agenda);
}

static void apply_text(MnbFields *fields, const char *name, char **text)
{
    const char *given;
    if (!mnb_fields_text(fields, name, 0, MNB_VENUE_MAX, &given))
        return;
    g_free(*text);
    *text = g_strdup(given);
}

void mnb_event_plan_apply(MnbFields *fields, MnbEvent *event)
{
    const char *choice;
    gint64 number;
    char **codes;
    if (mnb_fields_choice(fields, "attendance", attendances, &choice))
        mnb_attendance_parse(choice, &event->attendance);
    apply_text(fields, "venue_en", &event->venue_en);
    apply_text(fields, "venue_ja", &event->venue_ja);
    if (mnb_fields_codes(fields, "learning_cities", MNB_LEARNING_CITIES_MAX, &codes)) {
        g_strfreev(event->learning_cities);
        event->learning_cities = codes;
    }
    if (mnb_fields_number(fields, "capacity", 0, MNB_CAPACITY_MAX, &number))
        event->capacity = (int)number;
    mnb_fields_flag(fields, "has_lobby", &event->has_lobby);
    apply_agenda(fields, event);
}

void mnb_event_plan_check(MnbFields *fields, MnbDb *db, const MnbEvent *event)
{
    char *const *cities = event->learning_cities;
    if (!mnb_fields_has(fields, "learning_cities"))
        return;
    for (guint i = 0; cities != NULL && cities[i] != NULL; i++) {
        g_autoptr(MnbCity) city = mnb_city_find(db, cities[i], NULL);
        if (city == NULL) {
            mnb_fields_wrong(fields, "learning_cities", "unknown");
            return;
        }
    }
}

static json_t *text_or_empty(const char *text)
{
    return json_string(text != NULL ? text : "");
}

void mnb_event_plan_to_json(json_t *json, const MnbEvent *event)
{
    json_t *cities = json_array();
    for (guint i = 0; event->learning_cities != NULL && event->learning_cities[i] != NULL; i++)
        json_array_append_new(cities, json_string(event->learning_cities[i]));
    json_t *agenda = json_loads(event->agenda != NULL ? event->agenda : "[]", 0, NULL);
    json_object_set_new(json, "attendance",
                        json_string(mnb_attendance_to_string(event->attendance)));
    json_object_set_new(json, "venue_en", text_or_empty(event->venue_en));
    json_object_set_new(json, "venue_ja", text_or_empty(event->venue_ja));
    json_object_set_new(json, "learning_cities", cities);
    json_object_set_new(json, "capacity", json_integer(event->capacity));
    json_object_set_new(json, "has_lobby", json_boolean(event->has_lobby));
    json_object_set_new(json, "agenda", agenda != NULL ? agenda : json_array());
}
