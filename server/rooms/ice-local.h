/* ice-local.h - our side of a transport at a media worker: credentials, and what stands of it in
 * SDP. Main thread. */
#pragma once
#include "pipelines/manager/media-worker.h"
#include "server/rooms/sdp.h"

/* 16 and 32 characters of [0-9a-z]: the worker's tag and 70 random bits, and 160 (RFC 8445, 5.3: 24
 * and 128). */
void mnb_ice_make_credentials(const MnbMediaWorker *worker, char ufrag[MNB_ICE_UFRAG_MAX],
                              char pwd[MNB_ICE_PWD_MAX]);

/* Fills all but session and version. Everything is borrowed: @candidates and the credentials from
 * the caller, the fingerprint from the worker (until it restarts). */
void mnb_ice_fill_local(const MnbMediaWorker *worker, const char *ufrag, const char *pwd,
                        MnbSdpCandidate candidates[MNB_MEDIA_ADDRESSES_MAX], MnbSdpLocal *local);
