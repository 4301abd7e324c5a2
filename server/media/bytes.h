/* bytes.h - big-endian numbers in a buffer. No bounds are checked here: the caller has. */
#pragma once
#include <stdint.h>

static inline uint16_t mnb_get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t mnb_get_u24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t mnb_get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t mnb_get_u64(const uint8_t *p)
{
    return (uint64_t)mnb_get_u32(p) << 32 | mnb_get_u32(p + 4);
}

static inline void mnb_put_u16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void mnb_put_u24(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 16);
    p[1] = (uint8_t)(value >> 8);
    p[2] = (uint8_t)value;
}

static inline void mnb_put_u32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

static inline void mnb_put_u64(uint8_t *p, uint64_t value)
{
    mnb_put_u32(p, (uint32_t)(value >> 32));
    mnb_put_u32(p + 4, (uint32_t)value);
}
