/* Gated delta rule on the CPU, a few tokens of each sequence from a state in a pool, which stays as
 * it is: heads of sequences over threads. The states in between are not kept. */
#include <stdlib.h>

#include "contract.h"

#include "../gdn_cpu_vec.h"

int TM_ENTRY(const tm_bfloat16 *q, const tm_bfloat16 *k, const tm_bfloat16 *v,
             const tm_float32 *initial_state, const tm_int32 *initial_state_indices,
             const tm_float32 *A_log, const tm_bfloat16 *a, const tm_float32 *dt_bias,
             const tm_bfloat16 *b, tm_scale_t scale, const tm_float32 *intermediate_states_buffer,
             tm_bfloat16 *output, tm_float32 *final_state, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    (void)intermediate_states_buffer;
    const int64_t heads = axes->num_v_heads, size = axes->head_size, count = axes->seq_len;
    const int64_t state_elems = size * size;
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
    int failed = 0;
#pragma omp parallel
    {
        float *state = (float *)malloc((size_t)state_elems * sizeof *state);
        if (!state) {
#pragma omp atomic write
            failed = 1;
        }
#pragma omp for schedule(static)
        for (int64_t i = 0; i < axes->batch_size * heads; ++i) {
            const int64_t sequence = i / heads, head = i % heads;
            const int64_t index = initial_state_indices[sequence];
            const int64_t slot = index < 0 ? index + axes->pool_size : index;
            if (state && slot >= 0 && slot < axes->pool_size)
                steps(&p, sequence * count, (sequence + 1) * count, head,
                      initial_state + (slot * heads + head) * state_elems, state, 0);
        }
#pragma omp for schedule(static)
        for (int64_t i = 0; i < axes->pool_size * heads; ++i)
            memcpy(final_state + i * state_elems, initial_state + i * state_elems,
                   (size_t)state_elems * sizeof *state);
        free(state);
    }
    return failed ? tm_fail(3, "no memory for a state") : 0;
}
