/* runner_blocks: lists of memory that grow: what a solution has from the harness, and what has to
 * leave the cache. Deliberately does not know guards. */
#ifndef TM_RUNNER_BLOCKS_H
#define TM_RUNNER_BLOCKS_H

#include "harness/entry.h"

/* All zeros is empty; freed by tm_runner_blocks_free. */
typedef struct {
    tm_entry_block *blocks; /* as they were when last looked for */
    size_t count, room;
    void **buffers; /* room for TM_MAX_TENSORS more than blocks */
    size_t *bytes;
} tm_runner_blocks;

/* Looks for all blocks of an entry. */
void tm_runner_blocks_find(tm_runner_blocks *blocks, tm_entry *entry);
void tm_runner_blocks_free(tm_runner_blocks *blocks);

#endif
