/* Mamba2's selective state update, one token for each sequence, on states in a cache: per element
 * of the state
 *
 *     dt := softplus(dt + dt_bias);  s := s exp(A dt) + dt x B
 *
 * and output = C . s + D x before s is rounded to the cache's dtype. An item is a row of a state,
 * of one element of x. A slot that is negative, or not in the cache, is passed over: the output is
 * zero. Sequences that share a slot follow each other in their order. */
#include "contract.h"

#include "../reference.h"

typedef struct {
    const tm_state_t *state;                 /* [slots, heads, head_dim, dstate] */
    const tm_x_t *x;                         /* [sequences, heads, head_dim] */
    const tm_dt_t *dt;                       /* [sequences, heads, head_dim] */
    const tm_A_t *A;                         /* [heads, head_dim, dstate] */
    const tm_B_t *B;                         /* [sequences, groups, dstate] */
    const tm_C_t *C;                         /* [sequences, groups, dstate] */
    const tm_D_t *D;                         /* [heads, head_dim] */
    const tm_dt_bias_t *dt_bias;             /* [heads, head_dim] */
    const tm_state_batch_indices_t *slot_of; /* [sequences] */
    tm_output_t *output;                     /* [sequences, heads, head_dim] */
    tm_new_state_t *new_state;               /* as `state` */
    int64_t sequences, slots, heads, head_dim, dstate, groups;
} ssu_job;

/* An item is a row of a state in the cache. */
TM_ITEM void copy_row(const ssu_job *job, int64_t item, int lane) {
    for (int64_t i = lane; i < job->dstate; i += TM_TEAM)
        tm_store(job->new_state, item * job->dstate + i,
                 tm_load(job->state, item * job->dstate + i));
}

/* Row `row` of [heads, head_dim] of the sequence's state, which is in new_state. */
TM_ITEM void update_row(const ssu_job *job, int64_t sequence, int64_t row, int lane) {
    const int64_t rows = job->heads * job->head_dim, element = sequence * rows + row;
    const int64_t group = row / job->head_dim / (job->heads / job->groups);
    const tm_B_t *B = job->B + (sequence * job->groups + group) * job->dstate;
    const tm_C_t *C = job->C + (sequence * job->groups + group) * job->dstate;
    tm_new_state_t *state = job->new_state + (job->slot_of[sequence] * rows + row) * job->dstate;
    const float bias = tm_load(job->dt_bias, row), x = tm_load(job->x, element);
    const float raw = tm_load(job->dt, element) + bias;
    const float dt = raw > 20 ? raw : log1pf(expf(raw)); /* PyTorch's softplus */
    double sum = 0;
    TM_SUMS(sum)
    for (int64_t i = lane; i < job->dstate; i += TM_TEAM) {
        const float decay = expf(tm_load(job->A, row * job->dstate + i) * dt);
        const float value = tm_load(state, i) * decay + dt * x * tm_load(B, i);
        tm_store(state, i, value);
        sum += (double)value * tm_load(C, i);
    }
    const double product = tm_team_sum(sum);
    if (lane == 0)
        tm_store(job->output, element, (float)product + x * tm_load(job->D, row));
}

/* The first sequence with a slot updates it for all of them. */
TM_ITEM void ssu_row(const ssu_job *job, int64_t item, int lane) {
    const int64_t rows = job->heads * job->head_dim, row = item % rows, first = item / rows;
    const int64_t slot = job->slot_of[first];
    if (slot < 0 || slot >= job->slots) {
        if (lane == 0)
            tm_store(job->output, item, 0);
        return;
    }
    int earlier = 0;
    for (int64_t other = lane; other < first; other += TM_TEAM)
        earlier += job->slot_of[other] == slot;
    if (tm_team_sum(earlier) > 0)
        return;
    for (int64_t sequence = first; sequence < job->sequences; ++sequence) {
        if (job->slot_of[sequence] == slot)
            update_row(job, sequence, row, lane);
    }
}

TM_DRIVER(copy_rows, ssu_job, copy_row, TM_TEAM)
TM_DRIVER(ssu_rows, ssu_job, ssu_row, TM_TEAM)

int TM_ENTRY(const tm_state_t *state, const tm_x_t *x, const tm_dt_t *dt, const tm_A_t *A,
             const tm_B_t *B, const tm_C_t *C, const tm_D_t *D, const tm_dt_bias_t *dt_bias,
             const tm_state_batch_indices_t *state_batch_indices, tm_output_t *output,
             tm_new_state_t *new_state, const tm_axes *axes, tm_stream stream) {
    const ssu_job job = {state,
                         x,
                         dt,
                         A,
                         B,
                         C,
                         D,
                         dt_bias,
                         state_batch_indices,
                         output,
                         new_state,
                         axes->batch_size,
                         axes->state_cache_size,
                         axes->nheads,
                         axes->head_dim,
                         axes->dstate,
                         axes->ngroups};
    if (job.groups == 0 || job.heads % job.groups != 0)
        return tm_fail(2, "nheads: expected a multiple of ngroups %lld, got %lld",
                       (long long)job.groups, (long long)job.heads);
    const int64_t rows = job.heads * job.head_dim;
    const int status = copy_rows(&job, job.slots * rows, stream);
    return status != 0 ? status : ssu_rows(&job, job.sequences * rows, stream);
}
