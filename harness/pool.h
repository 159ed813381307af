/* pool: memory whose end is guarded, handed out and taken back, and kept for the next one who asks.
 *
 * Who owns the pool maps memory in whole granules, each mapping with a page behind it that faults;
 * the pool hands out the last bytes of a mapping, so that the guard lies right behind. What comes
 * back stays mapped up to a bound, and goes first when there is no more memory. Deliberately does
 * not know: devices, what the memory holds. */
#ifndef TM_POOL_H
#define TM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is handed out begins at a multiple of this, and so ends less than this before the guard. */
#define TM_POOL_ALIGNMENT 256

typedef struct {
    char *base; /* aligned to the granule, which is a multiple of TM_POOL_ALIGNMENT */
    size_t bytes;
} tm_pool_mapping;

typedef struct {
    tm_pool_mapping mapping;
    void *memory;  /* what was handed out; NULL while it is idle */
    uint64_t turn; /* when it came back */
} tm_pool_entry;

/* The owner sets the first part; the rest begins as zeros. */
typedef struct {
    void *owner;
    /* Maps `bytes`, a multiple of the granule, with a guard behind; false when that fails. */
    bool (*map)(void *owner, size_t bytes, tm_pool_mapping *mapping);
    void (*unmap)(void *owner, const tm_pool_mapping *mapping);
    size_t granule;
    size_t idle_bytes_max;

    tm_pool_entry *entries;
    size_t count, room;
    size_t idle_count, idle_bytes;
    uint64_t turns;
} tm_pool;

/* `bytes` of memory, borrowed until it is given back; NULL when there is none. */
void *tm_pool_take(tm_pool *pool, size_t bytes);
/* NULL and what is not the pool's are left alone. */
void tm_pool_give(tm_pool *pool, const void *memory);
/* Unmaps everything, also what was not given back. */
void tm_pool_free(tm_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
