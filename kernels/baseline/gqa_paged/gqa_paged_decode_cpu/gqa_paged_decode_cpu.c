/* Grouped-query attention over a paged cache. One query per request; every page is full. */
#include "contract.h"

typedef tm_q_t attention_q, attention_q_tail;
typedef tm_k_cache_t attention_k, attention_k_tail;
typedef tm_v_cache_t attention_v;
typedef tm_output_t attention_output;

#include "../../attention_cpu.h"

int TM_ENTRY(const tm_q_t *q, const tm_k_cache_t *k_cache, const tm_v_cache_t *v_cache,
             const tm_int32 *kv_indptr, const tm_int32 *kv_indices, tm_float32 sm_scale,
             tm_output_t *output, tm_float32 *lse, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    attention_job job = {0};
    job.q = q;
    job.k = k_cache;
    job.v = v_cache;
    job.output = output;
    job.lse = lse;
    job.kv_indptr = kv_indptr;
    job.kv_indices = kv_indices;
    job.queries = axes->batch_size;
    job.requests = axes->len_indptr - 1;
    job.qo_heads = axes->num_qo_heads;
    job.kv_heads = axes->num_kv_heads;
    job.elems = axes->head_dim;
    job.v_elems = axes->head_dim;
    job.page_size = axes->page_size;
    job.sm_scale = sm_scale;
    return attention_run(&job);
}
