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
    int64_t sequences;       /* that have queries and tokens */
    int64_t tokens;          /* of all of them */
    int64_t distinct_tokens; /* of the cache: where sequences share a page, once */
    int64_t pairs;           /* of a query and a token that it sees */
    int64_t pages;           /* entries of a block table that have to be looked at */
} tm_reach;

/* By kv_indptr and, where the row has them, qo_indptr, kv_indices and kv_last_page_len, of a cache
 * of `pages` pages of `page_size` tokens. Without qo_indptr each sequence has one query, which sees
 * all its tokens; with it a sequence's queries are its last tokens and see those up to themselves,
 * and a sequence of none reaches nothing. Without kv_indices page i is the i-th. False when nothing
 * is surely known: the indices are no blobs, cannot be read, or point nowhere. */
bool tm_reach_of_pages(tm_inputs *inputs, int64_t pages, int64_t page_size, tm_reach *out);

/* By sparse_indices, of a cache of `tokens` tokens: each row of them is the sequence of a query. -1
 * lists nothing, other negative ones count from the end, and what a row lists twice is one pair. */
bool tm_reach_of_listed(tm_inputs *inputs, int64_t tokens, tm_reach *out);

/* By seq_lens and block_table, of which the `topk` best tokens of each sequence are wanted: one of
 * no more than these wants all it has, so none has to be looked at, and it is not counted but for
 * its pages. A page of a block table that there is not holds nothing. */
bool tm_reach_of_lengths(tm_inputs *inputs, int64_t pages, int64_t page_size, int64_t topk,
                         tm_reach *out);

#endif
