/* Grouped-query attention, one query per request, over a paged cache on the GPU; every page is
 * full. */
#include "contract.h"

#include "../gqa_paged_decode_split.h"

int TM_ENTRY(const tm_q_t *q, const tm_k_cache_t *k_cache, const tm_v_cache_t *v_cache,
             const tm_int32 *kv_indptr, const tm_int32 *kv_indices, tm_float32 sm_scale,
             tm_output_t *output, tm_float32 *lse, const tm_axes *axes, tm_stream stream) {
    if (!std::is_same_v<tm_q_t, tm_k_cache_t> || !std::is_same_v<tm_q_t, tm_v_cache_t> ||
        !std::is_same_v<tm_q_t, tm_output_t>)
        return tm_fail(2, "expected queries, cache and output of one dtype");
    problem<tm_q_t> p = {};
    p.q = q;
    p.k = (const tm_q_t *)k_cache;
    p.v = (const tm_q_t *)v_cache;
    p.output = (tm_q_t *)output;
    p.lse = lse;
    p.kv_indptr = kv_indptr;
    p.kv_indices = kv_indices;
    p.requests = (int)axes->batch_size;
    p.qo_heads = (int)axes->num_qo_heads;
    p.kv_heads = (int)axes->num_kv_heads;
    p.page_size = (int)axes->page_size;
    p.indices = (int)axes->num_kv_indices;
    p.scale = sm_scale * 1.44269504f; /* log2(e) */
    return decode(p, axes->head_dim, stream);
}
