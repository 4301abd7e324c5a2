/* seq.h - numbers that wrap: RTP sequence numbers (16 bits) and time stamps (32 bits).
 * Pure functions; no thread of their own. RFC 3550 A.1, RFC 1982. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* How far @a is ahead of @b, the short way round: -32768 to 32767. */
static inline int32_t mnb_seq_diff(uint16_t a, uint16_t b)
{
    return (int16_t)(uint16_t)(a - b);
}

static inline bool mnb_seq_is_newer(uint16_t a, uint16_t b)
{
    return mnb_seq_diff(a, b) > 0;
}

/* The same for time stamps: -2^31 to 2^31 - 1. */
static inline int64_t mnb_timestamp_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

/* Continues a wrapping number without wraps. Zero it to begin. */
typedef struct {
    int64_t highest; /* valid when is_started */
    bool is_started;
} MnbUnwrapper;

/* Returns: @seq as a number that never wraps, taken as near to the highest one before as possible.
 * The first call returns @seq itself; numbers from before it may be negative. Moves highest up
 * only. */
static inline int64_t mnb_seq_unwrap(MnbUnwrapper *self, uint16_t seq)
{
    if (!self->is_started) {
        self->is_started = true;
        self->highest = seq;
        return seq;
    }
    int64_t value = self->highest + mnb_seq_diff(seq, (uint16_t)self->highest);
    if (value > self->highest)
        self->highest = value;
    return value;
}

static inline int64_t mnb_timestamp_unwrap(MnbUnwrapper *self, uint32_t timestamp)
{
    if (!self->is_started) {
        self->is_started = true;
        self->highest = timestamp;
        return timestamp;
    }
    int64_t value = self->highest + mnb_timestamp_diff(timestamp, (uint32_t)self->highest);
    if (value > self->highest)
        self->highest = value;
    return value;
}
