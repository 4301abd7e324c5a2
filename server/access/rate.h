/* rate.h - how often somebody may try something: a token bucket for every key.
 *
 * A bucket starts full; a try takes one; it fills again steadily. What was right can be given back,
 * so that only guesses cost. The table is bounded: when it is full, buckets that have filled up
 * again are forgotten, and if there are none, the one used longest ago. Main thread.
 */
#pragma once
#include <glib.h>

typedef struct MnbRate MnbRate;

/* @burst: tries that a full bucket holds. @refill_ms: time until one comes back.
 * @keys_max: buckets that are kept. Returns (owned). */
MnbRate *mnb_rate_new(guint burst, guint refill_ms, guint keys_max);
void mnb_rate_free(MnbRate *rate); /* NULL is fine */

/* Takes one. Returns: 0, or the seconds (at least 1) until there is one again. */
guint mnb_rate_take(MnbRate *rate, const char *key, gint64 now_us);
/* The same, but takes none. */
guint mnb_rate_wait(MnbRate *rate, const char *key, gint64 now_us);
void mnb_rate_give_back(MnbRate *rate, const char *key, gint64 now_us);

/* What an address counts as: itself for IPv4; for IPv6 its /64, because whoever has one has all of
 * it. Returns (owned). */
char *mnb_rate_address_key(const char *address);
