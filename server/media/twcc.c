/* twcc.c - see twcc.h. The message:
 *
 *     | sender ssrc | media ssrc | base seq 2 | count 2 | reference time 3 (64 ms) | feedback count
 * 1 | | packet chunks, 2 bytes each | receive deltas, 1 or 2 bytes, units of 250 us | zeros to 4 |
 */
#include "server/media/twcc.h"
#include "server/media/bytes.h"
#include "server/media/seq.h"
#include <errno.h>
#include <string.h>

#define SLOT(number)    ((size_t)((uint64_t)(number) & (MNB_TWCC_WINDOW - 1)))
#define HEAD_BYTES      20 /* RTCP head and the fixed part */
#define UNIT_US         250
#define REFERENCE_US    64000
#define SMALL_DELTA_MAX 255
#define BYTES_LEAST     64
#define SYMBOLS_A_CHUNK 7 /* two-bit vector chunks: simple, and long runs are rare with losses */
#define RUN_LENGTH_MAX  8191

enum { SYMBOL_LOST, SYMBOL_SMALL, SYMBOL_LARGE };

void mnb_twcc_arrived(MnbTwcc *self, uint16_t seq, int64_t now_us)
{
    if (!self->is_started) {
        self->is_started = true;
        /* Far from 0, so that a packet that was overtaken by the first one has a number too. */
        self->highest = 0x100000 + seq;
        self->next = self->highest;
        self->arrival_us[SLOT(self->highest)] = now_us;
        self->has_news = true;
        return;
    }
    int64_t number = self->highest + mnb_seq_diff(seq, (uint16_t)self->highest);
    if (number <= self->highest - MNB_TWCC_WINDOW)
        return;
    if (number > self->highest) {
        int64_t clear = self->highest + 1;
        if (number - clear >= MNB_TWCC_WINDOW)
            clear = number - MNB_TWCC_WINDOW + 1;
        for (; clear <= number; clear++)
            self->arrival_us[SLOT(clear)] = 0;
        self->highest = number;
        if (self->next <= number - MNB_TWCC_WINDOW)
            self->next = number - MNB_TWCC_WINDOW + 1;
    } else if (self->arrival_us[SLOT(number)] != 0) {
        return; /* a duplicate: the first arrival counts */
    }
    self->arrival_us[SLOT(number)] = now_us;
    if (number < self->next)
        self->next = number; /* late: told again from here on, now with this one */
    self->has_news = true;
}

/* What goes into one message: symbols and deltas of numbers from @base on. */
typedef struct {
    uint8_t symbols[MNB_TWCC_WINDOW];
    int16_t deltas[MNB_TWCC_WINDOW];
    size_t n;
} Statuses;

/* Collects as many as fit @room bytes, ending with one that arrived. Returns bytes needed. */
static size_t collect(const MnbTwcc *self, int64_t base, int64_t reference_us, size_t room,
                      Statuses *out)
{
    int64_t before = reference_us / UNIT_US;
    size_t delta_bytes = 0;
    size_t best_bytes = 0;
    size_t best_n = 0;
    size_t n = 0;
    for (int64_t number = base; number <= self->highest; number++) {
        int64_t arrival_us = self->arrival_us[SLOT(number)];
        out->symbols[n] = SYMBOL_LOST;
        out->deltas[n] = 0;
        if (arrival_us != 0) {
            int64_t delta = arrival_us / UNIT_US - before;
            if (delta < INT16_MIN || delta > INT16_MAX)
                break; /* more than 8 s apart: the next message has its own reference */
            bool is_small = delta >= 0 && delta <= SMALL_DELTA_MAX;
            out->symbols[n] = is_small ? SYMBOL_SMALL : SYMBOL_LARGE;
            out->deltas[n] = (int16_t)delta;
            delta_bytes += is_small ? 1 : 2;
            before += delta;
        }
        n++;
        size_t chunks = (n + SYMBOLS_A_CHUNK - 1) / SYMBOLS_A_CHUNK;
        size_t bytes = (HEAD_BYTES + chunks * 2 + delta_bytes + 3) & ~(size_t)3;
        if (bytes > room)
            break;
        if (arrival_us != 0) {
            best_n = n;
            best_bytes = bytes;
        }
    }
    out->n = best_n;
    return best_bytes;
}

static bool is_one_run(const Statuses *statuses)
{
    return statuses->n <= RUN_LENGTH_MAX &&
           memchr(statuses->symbols, SYMBOL_LOST, statuses->n) == NULL &&
           memchr(statuses->symbols, SYMBOL_LARGE, statuses->n) == NULL;
}

static uint8_t *write_chunks(uint8_t *at, const Statuses *statuses)
{
    if (is_one_run(statuses)) { /* the usual case: nothing lost, nothing late */
        mnb_put_u16(at, (uint16_t)(SYMBOL_SMALL << 13 | statuses->n));
        return at + 2;
    }
    for (size_t i = 0; i < statuses->n; i += SYMBOLS_A_CHUNK, at += 2) {
        unsigned chunk = 0xc000;
        for (size_t j = 0; j < SYMBOLS_A_CHUNK && i + j < statuses->n; j++)
            chunk |= (unsigned)statuses->symbols[i + j] << (2 * (SYMBOLS_A_CHUNK - 1 - j));
        mnb_put_u16(at, (uint16_t)chunk);
    }
    return at;
}

int mnb_twcc_build(MnbTwcc *self, MnbRtcpWriter *writer, uint32_t ssrc, uint32_t media_ssrc)
{
    if (!self->has_news)
        return -ENODATA;
    size_t room = writer->cap - writer->len;
    if (room < BYTES_LEAST)
        return -ENOSPC;
    int64_t first = self->next;
    while (self->arrival_us[SLOT(first)] == 0)
        first++; /* ends: highest arrived */
    int64_t reference_us = self->arrival_us[SLOT(first)] / REFERENCE_US * REFERENCE_US;

    Statuses statuses;
    size_t bytes = collect(self, self->next, reference_us, room, &statuses);
    if (statuses.n == 0) {
        /* So many lost in a row that not even one that arrived fits: leave the losses out. */
        self->next = first;
        bytes = collect(self, first, reference_us, room, &statuses);
    }
    uint8_t *head = writer->data + writer->len;
    memset(head, 0, bytes);
    head[0] = 0x80 | MNB_RTPFB_TWCC;
    head[1] = MNB_RTCP_RTPFB;
    mnb_put_u32(head + 4, ssrc);
    mnb_put_u32(head + 8, media_ssrc);
    mnb_put_u16(head + 12, (uint16_t)self->next);
    mnb_put_u16(head + 14, (uint16_t)statuses.n);
    mnb_put_u24(head + 16, (uint32_t)(reference_us / REFERENCE_US) & 0xffffff);
    head[19] = self->feedback_count++;
    uint8_t *at = write_chunks(head + HEAD_BYTES, &statuses);
    for (size_t i = 0; i < statuses.n; i++) {
        if (statuses.symbols[i] == SYMBOL_SMALL) {
            *at++ = (uint8_t)statuses.deltas[i];
        } else if (statuses.symbols[i] == SYMBOL_LARGE) {
            mnb_put_u16(at, (uint16_t)statuses.deltas[i]);
            at += 2;
        }
    }
    size_t size = (size_t)(at - head);
    size_t padded = (size + 3) & ~(size_t)3;
    if (padded > size) { /* RTCP padding, as libwebrtc does: its last byte counts it */
        head[0] |= 0x20;
        head[padded - 1] = (uint8_t)(padded - size);
    }
    mnb_put_u16(head + 2, (uint16_t)(padded / 4 - 1));
    writer->len += padded;
    self->next += (int64_t)statuses.n;
    self->has_news = self->next <= self->highest;
    return 0;
}
