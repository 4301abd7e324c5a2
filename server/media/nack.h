/* nack.h - which packets of a published track are missing, and when to ask for them again.
 *
 * A packet is asked for 10 ms after its gap was seen (most of what looks lost is only late), then
 * once a round trip, five times in all. The round trip is learnt from the answers. One thread, no
 * allocation; time is passed in. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MNB_NACK_MISSING_MAX 256
#define MNB_NACK_TRIES       5
#define MNB_NACK_FIRST_US    10000
#define MNB_NACK_RTT_US      100000 /* until the first answer */
#define MNB_NACK_RTT_MIN_US  20000
#define MNB_NACK_RTT_MAX_US  500000

typedef struct {
    int64_t next_us;  /* when to ask */
    uint32_t wait_us; /* that long after the last request */
    uint16_t seq;
    uint8_t tries; /* made */
} MnbNackItem;

/* Zero it to begin. */
typedef struct {
    unsigned n;
    uint32_t rtt_us; /* 0: not known */
    MnbNackItem items[MNB_NACK_MISSING_MAX];
} MnbNack;

/* @count packets from @first on are missing. Returns false when there are too many to repair: the
 * list is then empty, and a key frame is the answer. */
bool mnb_nack_add(MnbNack *nack, uint16_t first, unsigned count, int64_t now_us);

/* A late packet came. Returns whether it had been missed. */
bool mnb_nack_remove(MnbNack *nack, uint16_t seq, int64_t now_us);

/* Nothing before @seq, the start of a key frame, is needed any more. */
void mnb_nack_drop_before(MnbNack *nack, uint16_t seq);

/* Writes what to ask for at @now_us. @gave_up_out: packets that were asked for often enough and are
 * forgotten. Returns: how many of @seqs, at most @cap. */
size_t mnb_nack_take_due(MnbNack *nack, int64_t now_us, uint16_t *seqs, size_t cap,
                         unsigned *gave_up_out);

/* When take_due() has something to do next; 0 when nothing is missing. */
int64_t mnb_nack_due_us(const MnbNack *nack);
