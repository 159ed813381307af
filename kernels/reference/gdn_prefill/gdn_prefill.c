/* Gated delta rule over the tokens of each sequence, one after the other. An item is a row of a
 * state. Tokens of no sequence give zeros, and so does the state of a sequence without tokens; one
 * whose bounds are not tokens has none. */
#include "contract.h"

#include "../reference.h"

#include "../gdn.h"

typedef struct {
    gdn_tokens tokens;
    const tm_state_t *state;           /* [sequences, v_heads, size, size], NULL: zeros */
    const tm_cu_seqlens_t *cu_seqlens; /* [sequences + 1] */
    tm_new_state_t *new_state;         /* as `state` */
    int64_t token_count;
} prefill_job;

/* An item is the output of a head. */
TM_ITEM void clear_output(const prefill_job *job, int64_t item, int lane) {
    for (int64_t i = lane; i < job->tokens.size; i += TM_TEAM)
        tm_store(job->tokens.output, item * job->tokens.size + i, 0);
}

TM_ITEM void prefill_row(const prefill_job *job, int64_t item, int lane) {
    const int64_t size = job->tokens.size, number = item % size;
    const int64_t head = item / size % job->tokens.v_heads;
    const int64_t sequence = item / size / job->tokens.v_heads;
    const int64_t begin = job->cu_seqlens[sequence], end = job->cu_seqlens[sequence + 1];
    const int has_tokens = 0 <= begin && begin < end && end <= job->token_count;
    gdn_row row;
    gdn_load(has_tokens && job->state ? job->state + item * size : NULL, size, lane, &row);
    for (int64_t token = begin; has_tokens && token < end; ++token)
        gdn_step(&job->tokens, token, head, number, &row, lane);
    gdn_store(&row, size, lane, job->new_state + item * size);
}

TM_DRIVER(clear_outputs, prefill_job, clear_output, TM_TEAM)
TM_DRIVER(prefill_rows, prefill_job, prefill_row, TM_TEAM)

int TM_ENTRY(const tm_q_t *q, const tm_k_t *k, const tm_v_t *v, const tm_state_t *state,
             const tm_A_log_t *A_log, const tm_a_t *a, const tm_dt_bias_t *dt_bias, const tm_b_t *b,
             const tm_cu_seqlens_t *cu_seqlens, tm_scale_t scale, tm_output_t *output,
             tm_new_state_t *new_state, const tm_axes *axes, tm_stream stream) {
    const prefill_job job = {{q, k, v, A_log, a, dt_bias, b, output, axes->num_q_heads,
                              axes->num_k_heads, axes->num_v_heads, axes->head_size,
                              gdn_scale(scale, axes->head_size)},
                             state,
                             cu_seqlens,
                             new_state,
                             axes->total_seq_len};
    if (axes->len_cu_seqlens != axes->num_seqs + 1)
        return tm_fail(2, "len_cu_seqlens: expected num_seqs + 1 = %lld, got %lld",
                       (long long)axes->num_seqs + 1, (long long)axes->len_cu_seqlens);
    int status = gdn_check(&job.tokens);
    if (status == 0)
        status = clear_outputs(&job, axes->total_seq_len * axes->num_v_heads, stream);
    if (status == 0)
        status = prefill_rows(&job, axes->num_seqs * axes->num_v_heads * axes->head_size, stream);
    return status;
}
