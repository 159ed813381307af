/* reach: what the index tensors of a row reach in its paged caches. Values of a blob, so the same
 * in every call: least bytes and operations of a row can count them (floor.h).
 *
 * Deliberately does not know bytes, heads or rates. */
#ifndef TM_REACH_H
#define TM_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/inputs.h"

typedef struct {
    int64_t sequences;       /* that have tokens */
    int64_t tokens;          /* of all sequences */
    int64_t distinct_tokens; /* of the cache: where sequences share a page, once */
} tm_reach;

/* By kv_indptr, kv_indices and, where the row has it, kv_last_page_len, of a cache of `pages` pages
 * of `page_size` tokens. False when nothing is surely known: the indices are no blobs, cannot be
 * read, or point nowhere. */
bool tm_reach_of_pages(tm_inputs *inputs, int64_t pages, int64_t page_size, tm_reach *out);

#endif
