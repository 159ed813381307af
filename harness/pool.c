#include "harness/pool.h"

#include <stdlib.h>

/* More idle mappings than any cell has tensors are not worth their list. */
#define IDLE_COUNT_MAX 256

static size_t round_up(size_t bytes, size_t unit) {
    return (bytes + unit - 1) / unit * unit;
}

static void forget(tm_pool *pool, size_t index) {
    tm_pool_mapping mapping = pool->entries[index].mapping;
    if (!pool->entries[index].memory) {
        pool->idle_count--;
        pool->idle_bytes -= mapping.bytes;
    }
    pool->entries[index] = pool->entries[--pool->count];
    pool->unmap(pool->owner, &mapping);
}

/* Down to so much that is idle, the oldest first. */
static void shrink(tm_pool *pool, size_t bytes_max, size_t count_max) {
    while (pool->idle_bytes > bytes_max || pool->idle_count > count_max) {
        size_t oldest = pool->count;
        for (size_t i = 0; i < pool->count; i++)
            if (!pool->entries[i].memory &&
                (oldest == pool->count || pool->entries[i].turn < pool->entries[oldest].turn))
                oldest = i;
        forget(pool, oldest);
    }
}

/* The smallest idle mapping that holds `bytes` and is not twice as large as it need be. */
static tm_pool_entry *find_idle(tm_pool *pool, size_t bytes) {
    tm_pool_entry *best = NULL;
    size_t most = round_up(bytes, pool->granule) * 2;
    for (size_t i = 0; i < pool->count; i++) {
        tm_pool_entry *entry = &pool->entries[i];
        if (!entry->memory && entry->mapping.bytes >= bytes && entry->mapping.bytes <= most &&
            (!best || entry->mapping.bytes < best->mapping.bytes))
            best = entry;
    }
    return best;
}

/* A new mapping, listed as idle. */
static tm_pool_entry *add(tm_pool *pool, size_t bytes) {
    if (pool->count == pool->room) {
        size_t room = pool->room ? pool->room * 2 : 64;
        tm_pool_entry *entries = realloc(pool->entries, room * sizeof *entries);
        if (!entries)
            return NULL;
        pool->entries = entries;
        pool->room = room;
    }
    tm_pool_entry *entry = &pool->entries[pool->count];
    *entry = (tm_pool_entry){.turn = 0};
    if (!pool->map(pool->owner, bytes, &entry->mapping)) {
        shrink(pool, 0, 0);
        entry = &pool->entries[pool->count];
        *entry = (tm_pool_entry){.turn = 0};
        if (!pool->map(pool->owner, bytes, &entry->mapping))
            return NULL;
    }
    pool->count++;
    pool->idle_count++;
    pool->idle_bytes += entry->mapping.bytes;
    return entry;
}

void *tm_pool_take(tm_pool *pool, size_t bytes) {
    if (bytes > SIZE_MAX / 4)
        return NULL;
    size_t whole = round_up(bytes ? bytes : 1, TM_POOL_ALIGNMENT);
    tm_pool_entry *entry = find_idle(pool, whole);
    if (!entry)
        entry = add(pool, round_up(whole, pool->granule));
    if (!entry)
        return NULL;
    pool->idle_count--;
    pool->idle_bytes -= entry->mapping.bytes;
    entry->memory = entry->mapping.base + entry->mapping.bytes - whole;
    return entry->memory;
}

void tm_pool_give(tm_pool *pool, const void *memory) {
    if (!memory)
        return;
    size_t i = 0;
    while (i < pool->count && pool->entries[i].memory != memory)
        i++;
    if (i == pool->count)
        return;
    pool->entries[i].memory = NULL;
    pool->entries[i].turn = ++pool->turns;
    pool->idle_count++;
    pool->idle_bytes += pool->entries[i].mapping.bytes;
    shrink(pool, pool->idle_bytes_max, IDLE_COUNT_MAX);
}

void tm_pool_free(tm_pool *pool) {
    while (pool->count > 0)
        forget(pool, pool->count - 1);
    free(pool->entries);
    pool->entries = NULL;
    pool->room = 0;
}
