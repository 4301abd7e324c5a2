#include "server/media/nack.h"

#include "server/media/seq.h"

bool mnb_nack_add(MnbNack *nack, uint16_t first, unsigned count, int64_t now_us)
{
    if (count > MNB_NACK_MISSING_MAX - nack->n) {
        nack->n = 0;
        return false;
    }
    for (unsigned i = 0; i < count; i++)
        nack->items[nack->n++] =
            (MnbNackItem){now_us + MNB_NACK_FIRST_US, 0, (uint16_t)(first + i), 0};
    return true;
}

/* After one request the time to the answer is the round trip. An answer that comes right behind the
 * second one was to the first: the round trip is longer than was thought. Later ones cannot be told
 * apart. */
static void learn_rtt(MnbNack *nack, const MnbNackItem *item, int64_t now_us)
{
    int64_t sample_us = now_us - (item->next_us - item->wait_us);
    if (item->tries == 2 && sample_us < item->wait_us / 2)
        sample_us += item->wait_us;
    else if (item->tries != 1)
        return;
    if (sample_us < MNB_NACK_RTT_MIN_US)
        sample_us = MNB_NACK_RTT_MIN_US;
    if (sample_us > MNB_NACK_RTT_MAX_US)
        sample_us = MNB_NACK_RTT_MAX_US;
    nack->rtt_us =
        nack->rtt_us == 0 ? (uint32_t)sample_us : (uint32_t)((nack->rtt_us * 7ll + sample_us) / 8);
}

bool mnb_nack_remove(MnbNack *nack, uint16_t seq, int64_t now_us)
{
    for (unsigned i = 0; i < nack->n; i++) {
        if (nack->items[i].seq != seq)
            continue;
        learn_rtt(nack, &nack->items[i], now_us);
        nack->items[i] = nack->items[--nack->n];
        return true;
    }
    return false;
}

void mnb_nack_drop_before(MnbNack *nack, uint16_t seq)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < nack->n; i++)
        if (!mnb_seq_is_newer(seq, nack->items[i].seq))
            nack->items[kept++] = nack->items[i];
    nack->n = kept;
}

size_t mnb_nack_take_due(MnbNack *nack, int64_t now_us, uint16_t *seqs, size_t cap,
                         unsigned *gave_up_out)
{
    size_t n = 0;
    unsigned kept = 0;
    /* A quarter more than a round trip: else every second answer crosses the next request. */
    int64_t rtt_us = nack->rtt_us != 0 ? (int64_t)nack->rtt_us : MNB_NACK_RTT_US;
    uint32_t wait_us = (uint32_t)(rtt_us + rtt_us / 4);
    *gave_up_out = 0;
    for (unsigned i = 0; i < nack->n; i++) {
        MnbNackItem item = nack->items[i];
        if (item.next_us <= now_us && n < cap) {
            if (item.tries >= MNB_NACK_TRIES) {
                ++*gave_up_out;
                continue;
            }
            item.tries++;
            item.wait_us = wait_us;
            item.next_us = now_us + wait_us;
            seqs[n++] = item.seq;
        }
        nack->items[kept++] = item;
    }
    nack->n = kept;
    return n;
}

int64_t mnb_nack_due_us(const MnbNack *nack)
{
    int64_t due_us = 0;
    for (unsigned i = 0; i < nack->n; i++)
        if (due_us == 0 || nack->items[i].next_us < due_us)
            due_us = nack->items[i].next_us;
    return due_us;
}
