#include "harness/runner_blocks.h"

#include <stdlib.h>

static void *grown(void *list, size_t count, size_t item_bytes) {
    void *bigger = realloc(list, count * item_bytes);
    if (!bigger)
        abort();
    return bigger;
}

static void make_room(tm_runner_blocks *blocks, size_t room) {
    blocks->room = room;
    blocks->blocks = grown(blocks->blocks, room, sizeof *blocks->blocks);
    blocks->buffers = grown(blocks->buffers, room + TM_MAX_TENSORS, sizeof *blocks->buffers);
    blocks->bytes = grown(blocks->bytes, room + TM_MAX_TENSORS, sizeof *blocks->bytes);
}

void tm_runner_blocks_find(tm_runner_blocks *blocks, tm_entry *entry) {
    if (blocks->room == 0)
        make_room(blocks, 16);
    /* A thread of the solution may ask for more in between. */
    while ((blocks->count = entry->ops->blocks(entry, blocks->blocks, blocks->room)) > blocks->room)
        make_room(blocks, 2 * blocks->count);
}

void tm_runner_blocks_free(tm_runner_blocks *blocks) {
    free(blocks->blocks);
    free(blocks->buffers);
    free(blocks->bytes);
    *blocks = (tm_runner_blocks){0};
}
