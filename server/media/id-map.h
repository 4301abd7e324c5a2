/* id-map.h - from a 64-bit key to a pointer: ids of the control socket, hashes of ICE user names
 * and of addresses. Open addressing, linear probing, deletion by shifting back, so there are no
 * tombstones and a look-up is one or two cache lines. One thread. Grows when something is put in,
 * never on a look-up. Two keys that collide in all 64 bits are one key: who hashes compares. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t key;
    void *value; /* NULL: free place */
} MnbIdEntry;

typedef struct {
    MnbIdEntry *entries;
    size_t mask; /* places - 1; 0 before the first put */
    size_t count;
} MnbIdMap;

/* A zeroed map is an empty one. */
void mnb_id_map_clear(MnbIdMap *map);

/* @value: not NULL. Returns 0, -EEXIST if @key is there (nothing changes), -ENOMEM. */
int mnb_id_map_put(MnbIdMap *map, uint64_t key, void *value);

void *mnb_id_map_get(const MnbIdMap *map, uint64_t key); /* NULL: not there */
void mnb_id_map_remove(MnbIdMap *map, uint64_t key);     /* not there: fine */

/* To visit all: start with *place = 0; returns NULL at the end. Do not put or remove meanwhile. */
void *mnb_id_map_next(const MnbIdMap *map, size_t *place);

/* A keyed hash of @size bytes for keys that strangers choose. @secret: random, of the process. */
uint64_t mnb_id_hash(const uint64_t secret[2], const void *bytes, size_t size);
