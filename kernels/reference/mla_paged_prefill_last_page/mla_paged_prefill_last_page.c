/* Multi-head latent attention, absorbed: all heads share a cache of compressed keys, which are the
 * values too, and rotated keys. The last queries of each request, causal; the last page of a
 * request is filled to kv_last_page_len. */
#include "contract.h"

/* The axis of kv_last_page_len. */
#ifndef LAST_PAGES
#define LAST_PAGES batch_size
#endif

typedef tm_q_nope_t attention_q;
typedef tm_q_pe_t attention_q_tail;
typedef tm_ckv_cache_t attention_k, attention_v;
typedef tm_kpe_cache_t attention_k_tail;
typedef tm_output_t attention_output;
#define ATTENTION_VALUES_IN_KEYS 1

#include "../attention.h"

int TM_ENTRY(const tm_q_nope_t *q_nope, const tm_q_pe_t *q_pe, const tm_ckv_cache_t *ckv_cache,
             const tm_kpe_cache_t *kpe_cache, const tm_int32 *qo_indptr, const tm_int32 *kv_indptr,
             const tm_int32 *kv_indices, const tm_int32 *kv_last_page_len, tm_float32 sm_scale,
             tm_output_t *output, tm_float32 *lse, const tm_axes *axes, tm_stream stream) {
    attention_job job;
    memset(&job, 0, sizeof job);
    job.q = q_nope;
    job.q_tail = q_pe;
    job.k = ckv_cache;
    job.k_tail = kpe_cache;
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
    job.kv_heads = 1;
    job.elems = axes->head_dim_ckv;
    job.tail_elems = axes->head_dim_kpe;
    job.v_elems = axes->head_dim_ckv;
    job.indices = axes->num_kv_indices;
    job.pages = axes->num_pages;
    job.page_size = axes->page_size;
    job.sm_scale = sm_scale;
    return attention_run(job, stream);
}
