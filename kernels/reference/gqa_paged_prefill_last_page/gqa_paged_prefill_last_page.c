/* Grouped-query attention over a paged cache. The last queries of each request, causal; the last
 * page of a request is filled to kv_last_page_len. */
#include "contract.h"

/* The axis of kv_last_page_len. */
#ifndef LAST_PAGES
#define LAST_PAGES batch_size
#endif

typedef tm_q_t attention_q, attention_q_tail;
typedef tm_k_cache_t attention_k, attention_k_tail;
typedef tm_v_cache_t attention_v;
typedef tm_output_t attention_output;
#define ATTENTION_VALUES_IN_KEYS 0

#include "../attention.h"

int TM_ENTRY(const tm_q_t *q, const tm_k_cache_t *k_cache, const tm_v_cache_t *v_cache,
             const tm_int32 *qo_indptr, const tm_int32 *kv_indptr, const tm_int32 *kv_indices,
             const tm_int32 *kv_last_page_len, tm_float32 sm_scale, tm_output_t *output,
             tm_float32 *lse, const tm_axes *axes, tm_stream stream) {
    attention_job job;
    memset(&job, 0, sizeof job);
    job.q = q;
    job.k = k_cache;
    job.v = v_cache;
    job.output = output;
    job.lse = lse;
    job.qo_indptr = qo_indptr;
    job.kv_indptr = kv_indptr;
    job.kv_indices = kv_indices;
    job.last_page_len = kv_last_page_len;
    job.last_pages = axes->LAST_PAGES;
    job.queries = axes->total_q;
    job.requests = axes->len_indptr - 1;
    job.qo_heads = axes->num_qo_heads;
    job.kv_heads = axes->num_kv_heads;
    job.elems = axes->head_dim;
    job.v_elems = axes->head_dim;
    job.indices = axes->num_kv_indices;
    job.pages = axes->num_pages;
    job.page_size = axes->page_size;
    job.sm_scale = sm_scale;
    return attention_run(job, stream);
}
