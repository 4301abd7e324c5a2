#include "server/http/routes.h"
#include "server/http/api.h"

#define EVENT     "/api/v1/events/{event}"
#define SESSION   "/api/v1/sessions/{session}"
#define RECORDING "/api/v1/recordings/{recording}"
#define UPLOAD    "/api/v1/uploads/{upload}"
#define TUS       .needs = MNB_MAY_IMPORT, .flags = MNB_ROUTE_TUS
#define REVIEW    .needs = MNB_MAY_EDIT_EVENT, .scope = MNB_SCOPE_RECORDING
#define ANYONE    .flags = MNB_ROUTE_ANYONE
#define PAGE      .flags = MNB_ROUTE_ANYONE | MNB_ROUTE_CACHEABLE
#define MEDIA     .scope = MNB_SCOPE_SESSION, .flags = MNB_ROUTE_BEARER | MNB_ROUTE_CORS
#define PUBLISH   .needs = MNB_MAY_MEDIA_PUBLISH, MEDIA
#define RECEIVE   .needs = MNB_MAY_MEDIA_RECEIVE, MEDIA

/* clang-format off */
static const MnbRoute routes[] = {
    {"GET", "/healthz", .run = mnb_api_healthz, ANYONE},
    {"GET", "/metrics", .run = mnb_api_metrics, .flags = MNB_ROUTE_ANYONE | MNB_ROUTE_LOOPBACK},
    {"GET", "/api/v1/openapi.json", .run = mnb_api_openapi, ANYONE},

    {"GET", "/api/v1/me", .run = mnb_api_me, ANYONE},
    {"POST", "/api/v1/sign-in", .body = MNB_BODY_JSON, .run = mnb_api_sign_in, ANYONE},
    {"POST", "/api/v1/sign-out", .needs = MNB_MAY_SEE_STAFF, .run = mnb_api_sign_out},
    {"POST", "/api/v1/password", .needs = MNB_MAY_SEE_STAFF, .body = MNB_BODY_JSON, .run = mnb_api_password},

    {"GET", "/api/v1/areas", .run = mnb_api_areas, ANYONE},
    {"GET", "/api/v1/cities", .run = mnb_api_cities, ANYONE},

    {"GET", "/api/v1/events", .run = mnb_api_events, ANYONE},
    {"POST", "/api/v1/events", .needs = MNB_MAY_PLAN_EVENT, .body = MNB_BODY_JSON, .run = mnb_api_event_create},
    {"GET", EVENT, .run = mnb_api_event, ANYONE},
    {"PATCH", EVENT, .needs = MNB_MAY_EDIT_EVENT, .scope = MNB_SCOPE_EVENT, .body = MNB_BODY_JSON, .run = mnb_api_event_change},
    {"GET", EVENT "/calendar.ics", .run = mnb_api_event_calendar, ANYONE},
    {"GET", "/api/v1/calendar.ics", .run = mnb_api_calendar, ANYONE},
    {"GET", EVENT "/links", .needs = MNB_MAY_MANAGE_LINKS, .scope = MNB_SCOPE_EVENT, .run = mnb_api_links},
    {"POST", EVENT "/links", .needs = MNB_MAY_MANAGE_LINKS, .scope = MNB_SCOPE_EVENT, .body = MNB_BODY_JSON, .run = mnb_api_link_create},
    {"GET", EVENT "/invitations", .needs = MNB_MAY_MANAGE_LINKS, .scope = MNB_SCOPE_EVENT, .run = mnb_api_invitations},
    {"POST", EVENT "/invitations", .needs = MNB_MAY_MANAGE_LINKS, .scope = MNB_SCOPE_EVENT, .body = MNB_BODY_JSON, .run = mnb_api_invite},
    {"DELETE", "/api/v1/links/{link}", .needs = MNB_MAY_MANAGE_LINKS, .scope = MNB_SCOPE_LINK, .run = mnb_api_link_revoke},
    {"GET", EVENT "/feeds", .needs = MNB_MAY_MANAGE_LINKS, .scope = MNB_SCOPE_EVENT, .run = mnb_api_feeds},
    {"POST", EVENT "/feeds", .needs = MNB_MAY_MANAGE_LINKS, .scope = MNB_SCOPE_EVENT, .body = MNB_BODY_JSON, .run = mnb_api_feed_create},
    {"GET", "/api/v1/feed", .run = mnb_api_feed, ANYONE},
    {"GET", "/api/v1/join", .run = mnb_api_join, ANYONE},
    {"POST", "/api/v1/line-check", .body = MNB_BODY_JSON, .run = mnb_api_line_check, ANYONE},
    {"GET", "/api/v1/sessions/{session}", .needs = MNB_MAY_EDIT_EVENT, .scope = MNB_SCOPE_SESSION, .run = mnb_api_session},
    {"GET", SESSION "/summary", .needs = MNB_MAY_HOST, .scope = MNB_SCOPE_SESSION, .run = mnb_api_session_summary},
    {"GET", SESSION "/files/{path...}", .needs = MNB_MAY_HOST, .scope = MNB_SCOPE_SESSION, .run = mnb_api_session_file},
    {"POST", SESSION "/slides", .needs = MNB_MAY_MEDIA_RECEIVE, .scope = MNB_SCOPE_SESSION, .body = MNB_BODY_PDF, .flags = MNB_ROUTE_BEARER, .run = mnb_api_slides_add},
    {"GET", SESSION "/slides/{deck}/{path...}", .needs = MNB_MAY_MEDIA_RECEIVE, .scope = MNB_SCOPE_SESSION, .flags = MNB_ROUTE_BEARER | MNB_ROUTE_CACHEABLE, .run = mnb_api_slides_page},

    {"GET", "/api/v1/recordings", .run = mnb_api_recordings, ANYONE},
    {"GET", RECORDING, .run = mnb_api_recording, ANYONE},
    {"PATCH", RECORDING, REVIEW, .body = MNB_BODY_JSON, .run = mnb_api_recording_change},
    {"GET", RECORDING "/moments", .run = mnb_api_recording_moments, ANYONE},
    {"GET", RECORDING "/captions.vtt", .run = mnb_api_recording_captions, ANYONE},
    {"GET", RECORDING "/products", .run = mnb_api_products, ANYONE},
    {"POST", RECORDING "/products", REVIEW, .body = MNB_BODY_JSON, .run = mnb_api_product_add_link},
    {"POST", RECORDING "/products/documents", REVIEW, .body = MNB_BODY_DOCUMENT, .run = mnb_api_product_add_document},
    {"PATCH", RECORDING "/products/{product}", REVIEW, .body = MNB_BODY_JSON, .run = mnb_api_product_change},
    {"DELETE", RECORDING "/products/{product}", REVIEW, .run = mnb_api_product_remove},
    {"GET", RECORDING "/products/{product}/document.pdf", .run = mnb_api_product_document, .flags = MNB_ROUTE_ANYONE | MNB_ROUTE_CACHEABLE},
    {"GET", RECORDING "/publishing", REVIEW, .run = mnb_api_publishing},
    {"POST", RECORDING "/publishing", REVIEW, .body = MNB_BODY_JSON, .run = mnb_api_publishing_change},
    {"GET", RECORDING "/questions", .run = mnb_api_follow_ups, ANYONE},
    {"POST", RECORDING "/questions", .body = MNB_BODY_JSON, .run = mnb_api_follow_up_ask, ANYONE},
    {"PATCH", RECORDING "/questions/{question}", REVIEW, .body = MNB_BODY_JSON, .run = mnb_api_follow_up_answer},
    {"GET", RECORDING "/captions", REVIEW, .run = mnb_api_captions_list},
    {"GET", RECORDING "/captions/{path...}", REVIEW, .run = mnb_api_captions_track},
    {"PUT", RECORDING "/captions/{path...}", REVIEW, .body = MNB_BODY_CAPTIONS, .run = mnb_api_captions_put},
    {"DELETE", RECORDING "/captions/{path...}", REVIEW, .run = mnb_api_captions_remove},
    {"GET", RECORDING "/chapters.vtt", .run = mnb_api_recording_chapters, ANYONE},
    {"GET", RECORDING "/timeline", REVIEW, .run = mnb_api_recording_timeline},
    {"POST", RECORDING "/render", REVIEW, .body = MNB_BODY_JSON, .run = mnb_api_recording_render},
    {"POST", RECORDING "/cancel", REVIEW, .run = mnb_api_recording_cancel},
    {"POST", RECORDING "/poster", REVIEW, .body = MNB_BODY_JSON, .run = mnb_api_recording_poster},
    {"GET", "/media/{recording}/{path...}", .run = mnb_api_media, .flags = MNB_ROUTE_ANYONE | MNB_ROUTE_CACHEABLE},

    {"GET", "/api/v1/audit", .needs = MNB_MAY_ADMIN, .run = mnb_api_audit},

    {"GET", "/", .run = mnb_api_page_home, PAGE},
    {"GET", "/events/{event}", .run = mnb_api_page_event, PAGE},
    {"GET", "/watch/{recording}", .run = mnb_api_page_watch, PAGE},
    {"GET", "/embed/{recording}", .run = mnb_api_page_embed, PAGE},
    {"GET", "/oembed", .run = mnb_api_oembed, ANYONE},
    {"GET", "/feed.xml", .run = mnb_api_rss, PAGE},
    {"GET", "/sitemap.xml", .run = mnb_api_sitemap, PAGE},
    {"GET", "/robots.txt", .run = mnb_api_robots, PAGE},

    {"GET", "/api/v1/jobs", .needs = MNB_MAY_SEE_STAFF, .run = mnb_api_jobs},
    {"POST", "/api/v1/jobs/{job}/retry", .needs = MNB_MAY_PUBLISH_RECORDING, .run = mnb_api_job_retry},
    {"POST", "/api/v1/jobs/{job}/cancel", .needs = MNB_MAY_PUBLISH_RECORDING, .run = mnb_api_job_cancel},

    {"POST", "/uploads", .body = MNB_BODY_STREAM, .run = mnb_api_upload_create_end, .begin = mnb_api_upload_create, TUS},
    {"HEAD", "/uploads/{upload}", .run = mnb_api_upload_offset, TUS},
    {"PATCH", "/uploads/{upload}", .body = MNB_BODY_STREAM, .run = mnb_api_upload_bytes_end, .begin = mnb_api_upload_bytes, TUS},
    {"DELETE", "/uploads/{upload}", .run = mnb_api_upload_end, TUS},
    {"GET", "/api/v1/uploads", .needs = MNB_MAY_IMPORT, .run = mnb_api_uploads},
    {"GET", UPLOAD, .needs = MNB_MAY_IMPORT, .run = mnb_api_upload},
    {"PATCH", UPLOAD, .needs = MNB_MAY_IMPORT, .body = MNB_BODY_JSON, .run = mnb_api_upload_draft},
    {"POST", UPLOAD "/submit", .needs = MNB_MAY_IMPORT, .run = mnb_api_upload_submit},

    {"POST", "/whip/{session}", PUBLISH, .body = MNB_BODY_SDP, .run = mnb_api_whip},
    {"PATCH", "/whip/{session}/resource/{id}", PUBLISH, .body = MNB_BODY_SDP_FRAGMENT, .run = mnb_api_resource_patch},
    {"DELETE", "/whip/{session}/resource/{id}", PUBLISH, .run = mnb_api_resource_delete},
    {"POST", "/whep/{session}", RECEIVE, .body = MNB_BODY_SDP, .run = mnb_api_whep},
    {"POST", "/whep/{session}/{peer}", RECEIVE, .body = MNB_BODY_SDP, .run = mnb_api_whep_peer},
    {"PATCH", "/whep/{session}/resource/{id}", RECEIVE, .body = MNB_BODY_SDP_FRAGMENT, .run = mnb_api_resource_patch},
    {"DELETE", "/whep/{session}/resource/{id}", RECEIVE, .run = mnb_api_resource_delete},
};
/* clang-format on */

const MnbRoute *mnb_routes(gsize *n_out)
{
    *n_out = G_N_ELEMENTS(routes);
    return routes;
}
