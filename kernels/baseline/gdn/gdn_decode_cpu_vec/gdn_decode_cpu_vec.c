/* Gated delta rule on the CPU, one token for each sequence: heads over threads. */
#include "contract.h"

#include "../gdn_cpu_vec.h"

int TM_ENTRY(const tm_bfloat16 *q, const tm_bfloat16 *k, const tm_bfloat16 *v,
             const tm_float32 *state, const tm_float32 *A_log, const tm_bfloat16 *a,
             const tm_float32 *dt_bias, const tm_bfloat16 *b, tm_scale_t scale, tm_bfloat16 *output,
             tm_float32 *new_state, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    const int64_t heads = axes->num_v_heads, size = axes->head_size;
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
    if (axes->seq_len != 1)
        return tm_fail(2, "seq_len: expected 1, got %lld", (long long)axes->seq_len);
    const int64_t states = axes->batch_size * heads;
    const int streamed = is_streamed(states, size);
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (int64_t i = 0; i < states; ++i)
            step(&p, i / heads, i % heads, state ? state + i * size * size : NULL,
                 new_state + i * size * size, streamed);
        finish_streaming();
    }
    return 0;
}
