/* Gated delta rule, one token for each sequence. An item is a row of a state. */
#include "contract.h"

#include "../reference.h"

#include "../gdn.h"

typedef struct {
    gdn_tokens tokens;         /* one per sequence */
    const tm_state_t *state;   /* [sequences, v_heads, size, size], NULL: zeros */
    tm_new_state_t *new_state; /* the same */
} decode_job;

TM_ITEM void decode_row(const decode_job *job, int64_t item, int lane) {
    const int64_t size = job->tokens.size, number = item % size;
    const int64_t head = item / size % job->tokens.v_heads;
    const int64_t sequence = item / size / job->tokens.v_heads;
    gdn_row row;
    gdn_load(job->state ? job->state + item * size : NULL, size, lane, &row);
    gdn_step(&job->tokens, sequence, head, number, &row, lane);
    gdn_store(&row, size, lane, job->new_state + item * size);
}

TM_DRIVER(decode_rows, decode_job, decode_row, TM_TEAM)

int TM_ENTRY(const tm_q_t *q, const tm_k_t *k, const tm_v_t *v, const tm_state_t *state,
             const tm_A_log_t *A_log, const tm_a_t *a, const tm_dt_bias_t *dt_bias, const tm_b_t *b,
             tm_scale_t scale, tm_output_t *output, tm_new_state_t *new_state, const tm_axes *axes,
             tm_stream stream) {
    const decode_job job = {{q, k, v, A_log, a, dt_bias, b, output, axes->num_q_heads,
                             axes->num_k_heads, axes->num_v_heads, axes->head_size,
                             gdn_scale(scale, axes->head_size)},
                            state,
                            new_state};
    if (axes->seq_len != 1)
        return tm_fail(2, "seq_len: expected 1, got %lld", (long long)axes->seq_len);
    const int status = gdn_check(&job.tokens);
    if (status != 0)
        return status;
    return decode_rows(&job, axes->batch_size * axes->num_v_heads * axes->head_size, stream);
}
