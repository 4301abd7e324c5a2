/* Live feeds from the field: making, listing and ending them, and what their crew is told. */
#include "server/rooms/feeds.h"
#include "recordings/audit.h"
#include "recordings/feed.h"
#include "recordings/taxonomy.h"
#include "server/base/error.h"
#include "server/http/api.h"
#include "server/http/asker.h"
#include "server/http/objects.h"
#include "server/http/qr-svg.h"
#include <string.h>

static const char *const sources[] = {"srt", "rtmp", "rtsp", "camera", NULL};

/* ---- what a feed looks like ---- */

/* The host of the public address: encoders call the same machine. Returns (owned). */
static char *host_of(MnbHttpRequest *request)
{
    char *host = NULL;
    g_uri_split_network(mnb_http_request_services(request)->public_url, G_URI_FLAGS_NONE, NULL,
                        &host, NULL, NULL);
    return host != NULL ? host : g_strdup("localhost");
}

static json_t *feed_json(MnbHttpRequest *request, const MnbFeed *feed)
{
    MnbRooms *rooms = mnb_http_request_services(request)->rooms;
    guint16 port = mnb_rooms_feed_port(rooms, feed);
    g_autofree char *host = host_of(request);
    const char *bracket = strchr(host, ':') != NULL ? "[" : "";
    g_autofree char *address = NULL;
    if (feed->source == MNB_FEED_SRT && port != 0)
        address =
            g_strdup_printf("srt://%s%s%s:%u", bracket, host, *bracket != '\0' ? "]" : "", port);
    else if (feed->source == MNB_FEED_RTMP && port != 0)
        address = g_strdup_printf("rtmp://%s%s%s:%u/live", bracket, host,
                                  *bracket != '\0' ? "]" : "", port);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "id", feed->link, "event",
                  feed->event, "name", feed->name, "source",
                  mnb_feed_source_to_string(feed->source), "area", feed->area, "city", feed->city,
                  "created_at", mnb_json_time(feed->created_us), "address", mnb_json_text(address),
                  "is_taken", json_boolean(mnb_rooms_takes_feeds(rooms, feed->source)));
    json_t *status = mnb_rooms_feed_status(rooms, feed);
    json_object_update(json, status);
    json_decref(status);
    json_t *refused = json_object_get(json, "refused");
    if (json_is_object(refused)) {
        gint64 at_us = json_integer_value(json_object_get(refused, "at_us"));
        json_object_set_new(refused, "at", mnb_json_time(at_us));
        json_object_del(refused, "at_us");
    }
    return json;
}

/* What the holder of the link may know besides: how to send. */
static void add_keys(MnbHttpRequest *request, const MnbFeed *feed, const char *token, json_t *json)
{
    const char *public_url = mnb_http_request_services(request)->public_url;
    const char *address = json_string_value(json_object_get(json, "address"));
    gboolean is_camera = feed->source == MNB_FEED_CAMERA;
    char key[MNB_FEED_KEY_SIZE], passphrase[MNB_FEED_KEY_SIZE];
    mnb_feed_key(token, key);
    mnb_feed_passphrase(token, passphrase);
    g_autofree char *publish = NULL;
    if (feed->source == MNB_FEED_SRT && address != NULL)
        publish =
            g_strdup_printf("%s?mode=caller&streamid=%s&passphrase=%s&pbkeylen=16&latency=500000",
                            address, key, passphrase);
    else if (feed->source == MNB_FEED_RTMP && address != NULL)
        publish = g_strdup_printf("%s/%s", address, key);
    else if (is_camera)
        publish = g_strconcat(public_url, "/camera#", token, NULL);
    g_autofree char *page = g_strconcat(public_url, is_camera ? "/camera#" : "/feed#", token, NULL);
    g_autofree char *publish_qr = publish != NULL ? mnb_qr_svg(publish) : NULL;
    g_autofree char *page_qr = mnb_qr_svg(page);
    if (publish != NULL && !is_camera)
        json_object_set_new(json, "key", json_string(key));
    if (feed->source == MNB_FEED_SRT)
        json_object_set_new(json, "passphrase", json_string(passphrase));
    json_object_set_new(json, "publish_url", mnb_json_text(publish));
    json_object_set_new(json, "publish_qr_svg", mnb_json_text(publish_qr));
    json_object_set_new(json, "url", json_string(page));
    json_object_set_new(json, "qr_svg", mnb_json_text(page_qr));
}

/* ---- listing ---- */

void mnb_api_feeds(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    MnbDb *db = mnb_http_request_db(request);
    const char *id = mnb_http_request_param(request, 0);
    g_autoptr(MnbEvent) event = mnb_event_find(db, id, &error);
    g_autoptr(GPtrArray) feeds = event != NULL ? mnb_feed_list(db, id, &error) : NULL;
    if (feeds == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *items = json_array();
    for (guint i = 0; i < feeds->len; i++)
        json_array_append_new(items, feed_json(request, g_ptr_array_index(feeds, i)));
    json_t *taken = json_array();
    for (guint i = 0; sources[i] != NULL; i++)
        if (mnb_rooms_takes_feeds(mnb_http_request_services(request)->rooms, (MnbFeedSource)i))
            json_array_append_new(taken, json_string(sources[i]));
    mnb_http_request_answer_json(request, 200,
                                 json_pack("{s:o, s:o}", "items", items, "sources", taken));
}

/* ---- making ---- */

typedef struct {
    char *event, *name, *url, *area, *city, *actor;
    MnbFeedSource source;
    int places;
    gint64 now_us;
    MnbFeed *feed; /* the result */
    char token[MNB_TOKEN_SIZE];
} NewFeed;

static void free_new_feed(gpointer data)
{
    NewFeed *made = data;
    mnb_feed_row_free(made->feed);
    g_free(made->event);
    g_free(made->name);
    g_free(made->url);
    g_free(made->area);
    g_free(made->city);
    g_free(made->actor);
    g_free(made);
}

static gboolean write_feed(MnbDb *db, gpointer data, GError **error)
{
    NewFeed *made = data;
    g_clear_pointer(&made->feed, mnb_feed_row_free);
    g_autoptr(MnbEvent) event = mnb_event_find(db, made->event, error);
    if (event == NULL)
        return FALSE;
    MnbFeedNew feed = {
        .event = made->event,
        .name = made->name,
        .source = made->source,
        .url = made->url,
        .area = made->area != NULL ? made->area : event->area,
        .city = made->city != NULL ? made->city : event->city,
        .places = made->places,
    };
    made->feed = mnb_feed_create(db, &feed, made->now_us, made->token, error);
    if (made->feed == NULL)
        return FALSE;
    g_autofree char *object = g_strconcat("link:", made->feed->link, NULL);
    g_autofree char *detail =
        g_strdup_printf("{\"event\":\"%s\",\"source\":\"%s\"}", made->event, sources[made->source]);
    return mnb_audit_append(db, made->now_us, made->actor, "feed-create", object, detail, error);
}

static void on_feed_made(MnbHttpRequest *request, gpointer data)
{
    const NewFeed *made = data;
    mnb_rooms_feeds_changed(mnb_http_request_services(request)->rooms);
    json_t *json = feed_json(request, made->feed);
    add_keys(request, made->feed, made->token, json);
    mnb_http_request_answer_json(request, 201, json);
}

static void check_code(MnbHttpRequest *request, MnbFields *fields, const char *name,
                       const char *code)
{
    MnbDb *db = mnb_http_request_db(request);
    if (code == NULL)
        return;
    g_autoptr(MnbArea) area = strcmp(name, "area") == 0 ? mnb_area_find(db, code, NULL) : NULL;
    g_autoptr(MnbCity) city = strcmp(name, "city") == 0 ? mnb_city_find(db, code, NULL) : NULL;
    if (area == NULL && city == NULL)
        mnb_fields_wrong(fields, name, "unknown");
}

/* FALSE: noted, or a camera that we do not call. */
static void read_url(MnbHttpRequest *request, MnbFields *fields, MnbFeedSource source,
                     const char **url)
{
    g_autoptr(GError) error = NULL;
    mnb_fields_text(fields, "url", 0, MNB_FEED_URL_MAX, url);
    if (source != MNB_FEED_RTSP) {
        if (*url != NULL && **url != '\0')
            mnb_fields_wrong(fields, "url", "unknown-field");
        *url = NULL;
        return;
    }
    mnb_fields_require(fields, "url");
    if (*url != NULL &&
        !mnb_rooms_may_call(mnb_http_request_services(request)->rooms, *url, &error))
        mnb_fields_wrong(fields, "url",
                         g_error_matches(error, MNB_ERROR, MNB_ERROR_DENIED) ? "out-of-range"
                                                                             : "wrong-type");
}

void mnb_api_feed_create(MnbHttpRequest *request)
{
    g_autoptr(MnbFields) fields = mnb_http_request_fields(request);
    if (fields == NULL)
        return;
    MnbRooms *rooms = mnb_http_request_services(request)->rooms;
    const char *source = NULL, *name = NULL, *url = NULL, *area = NULL, *city = NULL;
    MnbFeedSource kind = MNB_FEED_SRT;
    mnb_fields_require(fields, "source");
    mnb_fields_choice(fields, "source", sources, &source);
    mnb_feed_source_parse(source, &kind);
    mnb_fields_require(fields, "name");
    mnb_fields_text(fields, "name", 1, MNB_LINK_LABEL_MAX, &name);
    mnb_fields_text(fields, "area", 1, 100, &area);
    mnb_fields_text(fields, "city", 1, 100, &city);
    check_code(request, fields, "area", area);
    check_code(request, fields, "city", city);
    read_url(request, fields, kind, &url);
    MnbProblem *problem = mnb_fields_finish(fields);
    if (problem == NULL && !mnb_rooms_takes_feeds(rooms, kind))
        problem = mnb_problem_new(503, "unavailable", "this server takes no feeds of that kind");
    if (problem != NULL) {
        mnb_http_request_answer_problem(request, problem);
        return;
    }
    NewFeed *made = g_new0(NewFeed, 1);
    made->event = g_strdup(mnb_http_request_param(request, 0));
    made->name = g_strdup(name);
    made->url = g_strdup(url);
    made->area = g_strdup(area);
    made->city = g_strdup(city);
    made->actor = g_strdup(mnb_http_request_asker(request)->actor);
    made->source = kind;
    made->places = mnb_rooms_feed_places(rooms);
    made->now_us = mnb_http_request_wall_us(request);
    mnb_http_request_write(request, write_feed, made, free_new_feed, on_feed_made);
}

/* ---- the crew ---- */

void mnb_api_feed(MnbHttpRequest *request)
{
    const MnbLink *link = mnb_http_request_asker(request)->link;
    const char *authorization = mnb_http_request_header(request, "Authorization");
    g_autofree char *token = authorization != NULL ? mnb_asker_bearer(authorization) : NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbFeed) feed =
        link != NULL ? mnb_feed_find(mnb_http_request_db(request), link->id, &error) : NULL;
    if (feed == NULL || token == NULL) {
        mnb_http_request_answer_problem(
            request, mnb_problem_new(401, "link-unknown",
                                     "this link is not one of a feed; ask for a new one"));
        return;
    }
    g_autoptr(MnbEvent) event = mnb_event_find(mnb_http_request_db(request), feed->event, &error);
    if (event == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *json = feed_json(request, feed);
    add_keys(request, feed, token, json);
    json_object_set_new(json, "event", mnb_json_event(request, event));
    mnb_http_request_answer_json(request, 200, json);
}
