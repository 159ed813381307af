/* Gated delta rule on the CPU, token by token of each sequence: heads of sequences over threads. A
 * sequence whose bounds are not tokens counts as one without. */
#include "contract.h"

#include "../gdn_cpu_vec.h"

int TM_ENTRY(const tm_bfloat16 *q, const tm_bfloat16 *k, const tm_bfloat16 *v,
             const tm_float32 *state, const tm_float32 *A_log, const tm_bfloat16 *a,
             const tm_float32 *dt_bias, const tm_bfloat16 *b, const tm_int64 *cu_seqlens,
             tm_scale_t scale, tm_bfloat16 *output, tm_float32 *new_state, const tm_axes *axes,
             tm_stream stream) {
    (void)stream;
    const int64_t heads = axes->num_v_heads, size = axes->head_size, tokens = axes->total_seq_len;
    const problem p = {q,
                       k,
                       v,
                       A_log,
                       dt_bias,
                       a,
                       b,
                       output,
                       axes->num_q_heads,
                       axes->num_k_heads,
                       heads,
                       size,
                       scale_or_usual(scale, size)};
    const int status = check(&p);
    if (status != 0)
        return status;
    int64_t covered = 0;
    for (int64_t i = 0; i < axes->num_seqs; ++i)
        covered += cu_seqlens[i + 1] - cu_seqlens[i];
    if (covered != tokens)
        memset(output, 0, (size_t)(tokens * heads * size) * sizeof *output);
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < axes->num_seqs * heads; ++i) {
        const int64_t begin = cu_seqlens[i / heads], end = cu_seqlens[i / heads + 1];
        float *to = new_state + i * size * size;
        if (begin < 0 || begin >= end || end > tokens)
            memset(to, 0, (size_t)(size * size) * sizeof *to);
        else
            steps(&p, begin, end, i % heads, state ? state + i * size * size : NULL, to, 0);
    }
    return 0;
}
