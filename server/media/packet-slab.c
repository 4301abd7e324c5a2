#include "server/media/packet-slab.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int mnb_slab_init(MnbSlab *slab, size_t piece_size, size_t total_bytes)
{
    memset(slab, 0, sizeof *slab);
    void *base = mmap(NULL, total_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return -ENOMEM;
    slab->base = base;
    slab->piece_size = piece_size;
    slab->capacity = total_bytes / piece_size;
    return 0;
}

void mnb_slab_clear(MnbSlab *slab)
{
    if (slab->base != NULL)
        munmap(slab->base, slab->capacity * slab->piece_size);
    memset(slab, 0, sizeof *slab);
}

MnbPacket *mnb_slab_take(MnbSlab *slab)
{
    MnbPacket *packet = slab->free;
    if (packet != NULL)
        slab->free = packet->next_free;
    else if (slab->touched < slab->capacity)
        packet = (MnbPacket *)(void *)(slab->base + slab->touched++ * slab->piece_size);
    else
        return NULL;
    slab->in_use++;
    return packet;
}

void mnb_slab_give(MnbSlab *slab, MnbPacket *packet)
{
    if (packet == NULL)
        return;
    packet->next_free = slab->free;
    slab->free = packet;
    slab->in_use--;
}
