/* api.h - the handlers that routes.c names. Each answers its request once, at once or later. */
#pragma once
#include "server/http/request.h"

/* health.c */
void mnb_api_healthz(MnbRequest *request);
void mnb_api_metrics(MnbRequest *request);
void mnb_api_openapi(MnbRequest *request);

/* account.c */
void mnb_api_me(MnbRequest *request);
void mnb_api_sign_in(MnbRequest *request);
void mnb_api_sign_out(MnbRequest *request);
void mnb_api_password(MnbRequest *request);

/* taxonomy.c */
void mnb_api_areas(MnbRequest *request);
void mnb_api_cities(MnbRequest *request);

/* events.c */
void mnb_api_events(MnbRequest *request);
void mnb_api_event_create(MnbRequest *request);
void mnb_api_event(MnbRequest *request);
void mnb_api_event_change(MnbRequest *request);
void mnb_api_session(MnbRequest *request);

/* links.c */
void mnb_api_links(MnbRequest *request);
void mnb_api_link_create(MnbRequest *request);
void mnb_api_link_revoke(MnbRequest *request);
void mnb_api_join(MnbRequest *request);

/* recordings.c */
void mnb_api_recordings(MnbRequest *request);
void mnb_api_recording(MnbRequest *request);
void mnb_api_recording_change(MnbRequest *request);
void mnb_api_media(MnbRequest *request);

/* jobs.c */
void mnb_api_jobs(MnbRequest *request);
void mnb_api_job_retry(MnbRequest *request);

/* whip.c */
void mnb_api_whip(MnbRequest *request);
void mnb_api_whep(MnbRequest *request);
void mnb_api_whep_peer(MnbRequest *request);
void mnb_api_resource_patch(MnbRequest *request);
void mnb_api_resource_delete(MnbRequest *request);
