#include "server/media/id-map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The finalizer of MurmurHash3: ids are small and consecutive, places should not be. */
static uint64_t mix(uint64_t key)
{
    key ^= key >> 33;
    key *= 0xff51afd7ed558ccdull;
    key ^= key >> 33;
    key *= 0xc4ceb9fe1a85ec53ull;
    return key ^ (key >> 33);
}

void mnb_id_map_clear(MnbIdMap *map)
{
    free(map->entries);
    memset(map, 0, sizeof *map);
}

static void place_entry(MnbIdEntry *entries, size_t mask, uint64_t key, void *value)
{
    size_t place = mix(key) & mask;
    while (entries[place].value != NULL)
        place = (place + 1) & mask;
    entries[place] = (MnbIdEntry){key, value};
}

static int grow(MnbIdMap *map)
{
    size_t mask = map->mask == 0 ? 15 : map->mask * 2 + 1;
    MnbIdEntry *entries = calloc(mask + 1, sizeof *entries);
    if (entries == NULL)
        return -ENOMEM;
    for (size_t i = 0; map->entries != NULL && i <= map->mask; i++)
        if (map->entries[i].value != NULL)
            place_entry(entries, mask, map->entries[i].key, map->entries[i].value);
    free(map->entries);
    map->entries = entries;
    map->mask = mask;
    return 0;
}

int mnb_id_map_put(MnbIdMap *map, uint64_t key, void *value)
{
    assert(value != NULL);
    if (mnb_id_map_get(map, key) != NULL)
        return -EEXIST;
    if (map->entries == NULL || map->count * 2 > map->mask) {
        int error = grow(map);
        if (error < 0)
            return error;
    }
    place_entry(map->entries, map->mask, key, value);
    map->count++;
    return 0;
}

void *mnb_id_map_get(const MnbIdMap *map, uint64_t key)
{
    if (map->count == 0)
        return NULL;
    for (size_t place = mix(key) & map->mask; map->entries[place].value != NULL;
         place = (place + 1) & map->mask)
        if (map->entries[place].key == key)
            return map->entries[place].value;
    return NULL;
}

void mnb_id_map_remove(MnbIdMap *map, uint64_t key)
{
    if (map->count == 0)
        return;
    size_t hole = mix(key) & map->mask;
    while (map->entries[hole].key != key || map->entries[hole].value == NULL) {
        if (map->entries[hole].value == NULL)
            return;
        hole = (hole + 1) & map->mask;
    }
    map->count--;
    /* Whoever follows in the run and could live in the hole moves into it. */
    for (size_t place = (hole + 1) & map->mask; map->entries[place].value != NULL;
         place = (place + 1) & map->mask) {
        size_t home = mix(map->entries[place].key) & map->mask;
        if (((place - home) & map->mask) >= ((place - hole) & map->mask)) {
            map->entries[hole] = map->entries[place];
            hole = place;
        }
    }
    map->entries[hole] = (MnbIdEntry){0};
}

void *mnb_id_map_next(const MnbIdMap *map, size_t *place)
{
    while (map->entries != NULL && *place <= map->mask) {
        void *value = map->entries[(*place)++].value;
        if (value != NULL)
            return value;
    }
    return NULL;
}

uint64_t mnb_id_hash(const uint64_t secret[2], const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t hash = secret[0] ^ size;
    while (size > 0) {
        uint64_t word = 0;
        size_t take = size < 8 ? size : 8;
        memcpy(&word, at, take);
        hash = mix(hash ^ word) + secret[1];
        at += take;
        size -= take;
    }
    return mix(hash ^ secret[1]);
}
