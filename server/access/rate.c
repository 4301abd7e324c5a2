#include "server/access/rate.h"
#include <arpa/inet.h>
#include <string.h>

typedef struct {
    gint64 full_us; /* when the bucket will be full again; in the past: it is full */
    gint64 used_us;
} Bucket;

struct MnbRate {
    gint64 refill_us;
    gint64 burst_us; /* burst x refill: how long an empty bucket needs */
    guint keys_max;
    GHashTable *buckets;
};

MnbRate *mnb_rate_new(guint burst, guint refill_ms, guint keys_max)
{
    g_return_val_if_fail(burst > 0 && refill_ms > 0 && keys_max > 0, NULL);
    MnbRate *rate = g_new0(MnbRate, 1);
    rate->refill_us = (gint64)refill_ms * 1000;
    rate->burst_us = rate->refill_us * burst;
    rate->keys_max = keys_max;
    rate->buckets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return rate;
}

void mnb_rate_free(MnbRate *rate)
{
    if (rate == NULL)
        return;
    g_hash_table_unref(rate->buckets);
    g_free(rate);
}

static gboolean is_full(gpointer key, gpointer value, gpointer now_us)
{
    return ((Bucket *)value)->full_us <= *(gint64 *)now_us;
}

static void make_room(MnbRate *rate, gint64 now_us)
{
    if (g_hash_table_size(rate->buckets) < rate->keys_max)
        return;
    if (g_hash_table_foreach_remove(rate->buckets, is_full, &now_us) > 0)
        return;
    GHashTableIter iter;
    gpointer key, value, oldest = NULL;
    gint64 oldest_us = G_MAXINT64;
    g_hash_table_iter_init(&iter, rate->buckets);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (((Bucket *)value)->used_us < oldest_us) {
            oldest_us = ((Bucket *)value)->used_us;
            oldest = key;
        }
    }
    g_hash_table_remove(rate->buckets, oldest);
}

static guint seconds_until_one(const MnbRate *rate, const Bucket *bucket, gint64 now_us)
{
    gint64 missing_us = MAX(bucket->full_us - now_us, 0) + rate->refill_us - rate->burst_us;
    if (missing_us <= 0)
        return 0;
    return (guint)((missing_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
}

guint mnb_rate_take(MnbRate *rate, const char *key, gint64 now_us)
{
    Bucket *bucket = g_hash_table_lookup(rate->buckets, key);
    if (bucket == NULL) {
        make_room(rate, now_us);
        bucket = g_new0(Bucket, 1);
        g_hash_table_insert(rate->buckets, g_strdup(key), bucket);
    }
    bucket->used_us = now_us;
    guint wait_s = seconds_until_one(rate, bucket, now_us);
    if (wait_s == 0)
        bucket->full_us = MAX(bucket->full_us, now_us) + rate->refill_us;
    return wait_s;
}

guint mnb_rate_wait(MnbRate *rate, const char *key, gint64 now_us)
{
    const Bucket *bucket = g_hash_table_lookup(rate->buckets, key);
    return bucket == NULL ? 0 : seconds_until_one(rate, bucket, now_us);
}

void mnb_rate_give_back(MnbRate *rate, const char *key, gint64 now_us)
{
    Bucket *bucket = g_hash_table_lookup(rate->buckets, key);
    if (bucket != NULL)
        bucket->full_us = MAX(bucket->full_us - rate->refill_us, now_us);
}

char *mnb_rate_address_key(const char *address)
{
    struct in6_addr v6;
    if (address == NULL || inet_pton(AF_INET6, address, &v6) != 1)
        return g_strdup(address != NULL ? address : "");
    if (IN6_IS_ADDR_V4MAPPED(&v6))
        return g_strdup_printf("%u.%u.%u.%u", v6.s6_addr[12], v6.s6_addr[13], v6.s6_addr[14],
                               v6.s6_addr[15]);
    GString *key = g_string_new("v6:");
    for (guint i = 0; i < 8; i++)
        g_string_append_printf(key, "%02x", v6.s6_addr[i]);
    return g_string_free(key, FALSE);
}
