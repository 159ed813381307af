/* Grouped-query attention over keys and values in one piece. The last queries of each request,
 * causal. */
#include "contract.h"

typedef tm_q_t attention_q, attention_q_tail;
typedef tm_k_t attention_k, attention_k_tail;
typedef tm_v_t attention_v;
typedef tm_output_t attention_output;

#include "../../attention_cpu.h"

int TM_ENTRY(const tm_q_t *q, const tm_k_t *k, const tm_v_t *v, const tm_int32 *qo_indptr,
             const tm_int32 *kv_indptr, tm_float32 sm_scale, tm_output_t *output, tm_float32 *lse,
             const tm_axes *axes, tm_stream stream) {
    (void)stream;
    attention_job job = {0};
    job.q = q;
    job.k = k;
    job.v = v;
    job.output = output;
    job.lse = lse;
    job.qo_indptr = qo_indptr;
    job.kv_indptr = kv_indptr;
    job.queries = axes->total_q;
    job.requests = axes->len_indptr - 1;
    job.qo_heads = axes->num_qo_heads;
    job.kv_heads = axes->num_kv_heads;
    job.elems = axes->head_dim;
    job.v_elems = axes->head_dim;
    job.page_size = 1;
    job.sm_scale = sm_scale;
    return attention_run(&job);
}
