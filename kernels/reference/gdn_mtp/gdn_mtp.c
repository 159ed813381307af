/* Gated delta rule over the tokens that a drafter proposed for each sequence, from a state in a
 * pool. The pool stays as it is: which tokens are accepted is not known yet, so final_state is a
 * copy. intermediate_states_buffer, an input that the definitions' own code writes where a row has
 * one, is left alone: no verdict looks at an input, and a reference must not change any. An index
 * counts from the pool's end when it is negative; a sequence whose index is outside of the pool
 * gives zeros. An item is a row of a state. */
#include "contract.h"

#include "../reference.h"

#include "../gdn.h"

typedef struct {
    gdn_tokens tokens;                         /* [sequences, steps] */
    const tm_initial_state_t *initial_state;   /* [pool_size, v_heads, size, size] */
    const tm_initial_state_indices_t *indices; /* [sequences] */
    tm_final_state_t *final_state;             /* as initial_state */
    int64_t steps, pool_size;
} mtp_job;

/* An item is a row of a state in the pool. */
TM_ITEM void copy_row(const mtp_job *job, int64_t item, int lane) {
    const int64_t size = job->tokens.size;
    for (int64_t i = lane; i < size; i += TM_TEAM)
        job->final_state[item * size + i] = job->initial_state[item * size + i];
}

TM_ITEM void mtp_row(const mtp_job *job, int64_t item, int lane) {
    const int64_t size = job->tokens.size, heads = job->tokens.v_heads, number = item % size;
    const int64_t head = item / size % heads, sequence = item / size / heads;
    const int64_t index = job->indices[sequence];
    const int64_t slot = index < 0 ? index + job->pool_size : index;
    if (slot < 0 || slot >= job->pool_size) {
        for (int64_t step = lane; step < job->steps; step += TM_TEAM)
            tm_store(job->tokens.output,
                     ((sequence * job->steps + step) * heads + head) * size + number, 0);
        return;
    }
    gdn_row row;
    gdn_load(job->initial_state + ((slot * heads + head) * size + number) * size, size, lane, &row);
    for (int64_t step = 0; step < job->steps; ++step)
        gdn_step(&job->tokens, sequence * job->steps + step, head, number, &row, lane);
}

TM_DRIVER(copy_rows, mtp_job, copy_row, TM_TEAM)
TM_DRIVER(mtp_rows, mtp_job, mtp_row, TM_TEAM)

int TM_ENTRY(const tm_q_t *q, const tm_k_t *k, const tm_v_t *v,
             const tm_initial_state_t *initial_state,
             const tm_initial_state_indices_t *initial_state_indices, const tm_A_log_t *A_log,
             const tm_a_t *a, const tm_dt_bias_t *dt_bias, const tm_b_t *b, tm_scale_t scale,
             const tm_intermediate_states_buffer_t *intermediate_states_buffer, tm_output_t *output,
             tm_final_state_t *final_state, const tm_axes *axes, tm_stream stream) {
    (void)intermediate_states_buffer;
    const mtp_job job = {{q, k, v, A_log, a, dt_bias, b, output, axes->num_q_heads,
                          axes->num_k_heads, axes->num_v_heads, axes->head_size,
                          gdn_scale(scale, axes->head_size)},
                         initial_state,
                         initial_state_indices,
                         final_state,
                         axes->seq_len,
                         axes->pool_size};
    const int64_t state_rows = axes->num_v_heads * axes->head_size;
    int status = gdn_check(&job.tokens);
    if (status == 0)
        status = copy_rows(&job, axes->pool_size * state_rows, stream);
    if (status == 0)
        status = mtp_rows(&job, axes->batch_size * state_rows, stream);
    return status;
}
