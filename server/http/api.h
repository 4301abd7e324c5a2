/* api.h - the handlers that routes.c names. Each answers its request once, at once or later. */
#pragma once
#include "recordings/event.h"
#include "recordings/recording.h"
#include "server/http/request.h"

/* health.c */
void mnb_api_healthz(MnbHttpRequest *request);
void mnb_api_metrics(MnbHttpRequest *request);
void mnb_api_openapi(MnbHttpRequest *request);

/* account.c */
void mnb_api_me(MnbHttpRequest *request);
void mnb_api_sign_in(MnbHttpRequest *request);
void mnb_api_sign_out(MnbHttpRequest *request);
void mnb_api_password(MnbHttpRequest *request);

/* taxonomy.c */
void mnb_api_areas(MnbHttpRequest *request);
void mnb_api_cities(MnbHttpRequest *request);

/* events.c */
void mnb_api_events(MnbHttpRequest *request);
void mnb_api_event_create(MnbHttpRequest *request);
void mnb_api_event(MnbHttpRequest *request);
void mnb_api_event_change(MnbHttpRequest *request);
void mnb_api_session(MnbHttpRequest *request);
/* May the asker see @event: it is public, his own, or he is staff. */
gboolean mnb_api_event_is_open(MnbHttpRequest *request, const MnbEvent *event);

/* calendar.c */
void mnb_api_event_calendar(MnbHttpRequest *request);
void mnb_api_calendar(MnbHttpRequest *request);

/* slides.c */
void mnb_api_slides_add(MnbHttpRequest *request);
void mnb_api_slides_page(MnbHttpRequest *request);

/* report.c */
void mnb_api_session_summary(MnbHttpRequest *request);
void mnb_api_session_file(MnbHttpRequest *request);

/* links.c */
void mnb_api_links(MnbHttpRequest *request);
void mnb_api_link_create(MnbHttpRequest *request);
void mnb_api_link_revoke(MnbHttpRequest *request);
void mnb_api_invitations(MnbHttpRequest *request);
void mnb_api_invite(MnbHttpRequest *request);
void mnb_api_join(MnbHttpRequest *request);

/* line-check.c */
void mnb_api_line_check(MnbHttpRequest *request);
/* feeds.c */
void mnb_api_feeds(MnbHttpRequest *request);
void mnb_api_feed_create(MnbHttpRequest *request);
void mnb_api_feed(MnbHttpRequest *request);

/* recordings.c */
void mnb_api_recordings(MnbHttpRequest *request);
void mnb_api_recording(MnbHttpRequest *request);
void mnb_api_recording_change(MnbHttpRequest *request);
/* Staff, and the facilitators of the event that it is of, unless it is for staff only. */
gboolean mnb_api_may_review(MnbHttpRequest *request, const MnbRecording *recording);
/* Returns (owned): the recording of the first parameter when who asks may watch it; NULL after the
 * problem was answered. */
MnbRecording *mnb_api_find_watchable(MnbHttpRequest *request);
/* The same when who asks may review it. */
MnbRecording *mnb_api_find_reviewable(MnbHttpRequest *request);

/* products.c */
void mnb_api_products(MnbHttpRequest *request);
void mnb_api_product_add_link(MnbHttpRequest *request);
void mnb_api_product_add_document(MnbHttpRequest *request);
void mnb_api_product_change(MnbHttpRequest *request);
void mnb_api_product_remove(MnbHttpRequest *request);
void mnb_api_product_document(MnbHttpRequest *request);

/* publishing.c */
void mnb_api_publishing(MnbHttpRequest *request);
void mnb_api_publishing_change(MnbHttpRequest *request);

/* audit.c */
void mnb_api_audit(MnbHttpRequest *request);
/* What people call who is behind "staff:ID". Returns (owned). */
char *mnb_api_actor_name(MnbDb *db, const char *actor);

/* follow-ups.c */
void mnb_api_follow_ups(MnbHttpRequest *request);
void mnb_api_follow_up_ask(MnbHttpRequest *request);
void mnb_api_follow_up_answer(MnbHttpRequest *request);

/* captions.c */
void mnb_api_captions_list(MnbHttpRequest *request);
void mnb_api_captions_track(MnbHttpRequest *request);
void mnb_api_captions_put(MnbHttpRequest *request);
void mnb_api_captions_remove(MnbHttpRequest *request);

/* What the catalogue is filtered by: names of parameters, by MnbFacetKind. */
extern const char *const mnb_api_filter_names[];

/* page-home.c, page-watch.c, catalogue-feeds.c: what is no API (page.h) */
void mnb_api_page_home(MnbHttpRequest *request);
void mnb_api_page_event(MnbHttpRequest *request);
void mnb_api_page_watch(MnbHttpRequest *request);
void mnb_api_page_embed(MnbHttpRequest *request);
void mnb_api_oembed(MnbHttpRequest *request);
void mnb_api_rss(MnbHttpRequest *request);
void mnb_api_sitemap(MnbHttpRequest *request);
void mnb_api_robots(MnbHttpRequest *request);

/* watch-texts.c */
void mnb_api_recording_moments(MnbHttpRequest *request);
void mnb_api_recording_captions(MnbHttpRequest *request);
void mnb_api_recording_chapters(MnbHttpRequest *request);

/* review.c */
void mnb_api_recording_timeline(MnbHttpRequest *request);
void mnb_api_recording_render(MnbHttpRequest *request);
void mnb_api_recording_cancel(MnbHttpRequest *request);
void mnb_api_recording_poster(MnbHttpRequest *request);
void mnb_api_media(MnbHttpRequest *request);

/* jobs.c */
void mnb_api_jobs(MnbHttpRequest *request);
void mnb_api_job_retry(MnbHttpRequest *request);
void mnb_api_job_cancel(MnbHttpRequest *request);

/* uploads.c: tus 1.0. What ends with _end runs after the body. */
void mnb_api_upload_create(MnbHttpRequest *request);
void mnb_api_upload_create_end(MnbHttpRequest *request);
void mnb_api_upload_offset(MnbHttpRequest *request);
void mnb_api_upload_bytes(MnbHttpRequest *request);
void mnb_api_upload_bytes_end(MnbHttpRequest *request);
void mnb_api_upload_end(MnbHttpRequest *request);

/* upload-drafts.c */
void mnb_api_uploads(MnbHttpRequest *request);
void mnb_api_upload(MnbHttpRequest *request);
void mnb_api_upload_draft(MnbHttpRequest *request);
void mnb_api_upload_submit(MnbHttpRequest *request);

/* whip.c */
/* Returns FALSE after the problem was answered: a server that is about to stop takes nobody, and an
 * address gets so many new connections as @rate says. Whoever is on this machine itself may have
 * more: load is made from here. */
gboolean mnb_http_takes_connection(MnbHttpRequest *request, MnbRate *rate);
void mnb_api_whip(MnbHttpRequest *request);
void mnb_api_whep(MnbHttpRequest *request);
void mnb_api_whep_peer(MnbHttpRequest *request);
void mnb_api_resource_patch(MnbHttpRequest *request);
void mnb_api_resource_delete(MnbHttpRequest *request);
