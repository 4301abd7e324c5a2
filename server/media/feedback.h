/* feedback.h - RTCP of a transport: what the peer says and what it is told.
 *
 * From publishers: sender reports (kept for the receivers' ones, copied to taps). To publishers: a
 * receiver report each second, transport-wide feedback every 100 ms as a packet of its own, NACK
 * and PLI as the tracks ask. From receivers: reports, NACK, PLI and FIR. To receivers: a sender
 * report each second, made of the publisher's, so that its clock goes through. */
#pragma once
#include "server/media/worker-state.h"

/* @data: plain. Malformed rests are counted. */
void mnb_feedback_on_rtcp(MnbTransport *transport, const uint8_t *data, size_t size,
                          int64_t now_us);

/* Once a second. */
void mnb_feedback_send_reports(MnbTransport *transport, int64_t now_us);

void mnb_feedback_send_twcc(MnbTransport *transport);
void mnb_feedback_send_nack(MnbTrack *track, const uint16_t *seqs, size_t n);

/* Returns false when it could not go out. */
bool mnb_feedback_send_pli(MnbTrack *track);
