/* Mamba2's selective state update on the CPU: heads over threads, a row of the state at a time. Of
 * a row whose rates are all alike, as Mamba2's are, one exponential is taken. */
#include <math.h>
#include <stdlib.h>

#include "contract.h"

typedef struct {
    const tm_bfloat16 *state, *x, *dt, *B, *C, *D, *dt_bias;
    const float *A;
    tm_bfloat16 *output, *new_state;
    int64_t heads, head_dim, dstate, groups;
} problem;

static inline float widened(tm_bfloat16 element) {
    const uint32_t bits = (uint32_t)element.bits << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline tm_bfloat16 rounded(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t up = bits + 0x7fffu + (bits >> 16 & 1u);
    return (tm_bfloat16){(uint16_t)((value == value ? up : bits | 0x400000u) >> 16)};
}

/* to = decay from + entering B; returns C . to before it is rounded. */
static float update_alike(const tm_bfloat16 *from, float decay, float entering,
                          const tm_bfloat16 *B, const tm_bfloat16 *C, int64_t dstate,
                          tm_bfloat16 *to) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < dstate; ++i) {
        const float value = decay * widened(from[i]) + entering * widened(B[i]);
        to[i] = rounded(value);
        sum += value * widened(C[i]);
    }
    return sum;
}

/* The same with a rate for each element. */
static float update_row(const tm_bfloat16 *from, const float *A, float dt, float entering,
                        const tm_bfloat16 *B, const tm_bfloat16 *C, int64_t dstate,
                        tm_bfloat16 *to) {
    float sum = 0;
    for (int64_t i = 0; i < dstate; ++i) {
        const float value = expf(A[i] * dt) * widened(from[i]) + entering * widened(B[i]);
        to[i] = rounded(value);
        sum += value * widened(C[i]);
    }
    return sum;
}

static int are_alike(const float *values, int64_t count) {
    int others = 0;
#pragma omp simd reduction(| : others)
    for (int64_t i = 0; i < count; ++i)
        others |= values[i] != values[0];
    return !others;
}

/* One head of one sequence. `from`: the cache that its slot's state is read from. */
static void update_head(const problem *p, int64_t sequence, int64_t head, int64_t slot,
                        const tm_bfloat16 *from) {
    const int64_t group = head / (p->heads / p->groups);
    const tm_bfloat16 *B = p->B + (sequence * p->groups + group) * p->dstate;
    const tm_bfloat16 *C = p->C + (sequence * p->groups + group) * p->dstate;
    for (int64_t channel = 0; channel < p->head_dim; ++channel) {
        const int64_t row = head * p->head_dim + channel;
        const int64_t element = sequence * p->heads * p->head_dim + row;
        const int64_t at = (slot * p->heads * p->head_dim + row) * p->dstate;
        const float *A = p->A + row * p->dstate;
        const float x = widened(p->x[element]);
        const float raw = widened(p->dt[element]) + widened(p->dt_bias[row]);
        const float dt = raw > 20 ? raw : log1pf(expf(raw));
        const float read =
            are_alike(A, p->dstate)
                ? update_alike(from + at, expf(A[0] * dt), dt * x, B, C, p->dstate,
                               p->new_state + at)
                : update_row(from + at, A, dt, dt * x, B, C, p->dstate, p->new_state + at);
        p->output[element] = rounded(read + x * widened(p->D[row]));
    }
}

/* What has become of a slot. */
enum { UNUSED, USED };

int TM_ENTRY(const tm_bfloat16 *state, const tm_bfloat16 *x, const tm_bfloat16 *dt,
             const tm_float32 *A, const tm_bfloat16 *B, const tm_bfloat16 *C, const tm_bfloat16 *D,
             const tm_bfloat16 *dt_bias, const tm_int32 *state_batch_indices, tm_bfloat16 *output,
             tm_bfloat16 *new_state, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    const problem p = {state,
                       x,
                       dt,
                       B,
                       C,
                       D,
                       dt_bias,
                       A,
                       output,
                       new_state,
                       axes->nheads,
                       axes->head_dim,
                       axes->dstate,
                       axes->ngroups};
    const int64_t sequences = axes->batch_size, slots = axes->state_cache_size;
    const int64_t head_elems = p.head_dim * p.dstate;
    if (p.groups == 0 || p.heads % p.groups != 0)
        return tm_fail(2, "nheads: expected a multiple of ngroups");
    /* A sequence whose slot an earlier one has goes on from what that has left there. */
    char *use = (char *)calloc((size_t)(slots + sequences) + 1, 1), *again = use + slots;
    if (!use)
        return tm_fail(3, "no memory for %lld slots", (long long)slots);
    for (int64_t i = 0; i < sequences; ++i) {
        const int64_t slot = state_batch_indices[i];
        if (slot < 0 || slot >= slots)
            continue;
        again[i] = use[slot];
        use[slot] = USED;
    }
#pragma omp parallel
    {
#pragma omp for schedule(static) nowait
        for (int64_t head = 0; head < p.heads; ++head) {
            for (int64_t i = 0; i < sequences; ++i) {
                const int64_t slot = state_batch_indices[i];
                if (slot >= 0 && slot < slots)
                    update_head(&p, i, head, slot, again[i] == USED ? new_state : state);
                else
                    memset(output + (i * p.heads + head) * p.head_dim, 0,
                           (size_t)p.head_dim * sizeof *output);
            }
        }
#pragma omp for schedule(static)
        for (int64_t i = 0; i < slots * p.heads; ++i) {
            if (use[i / p.heads] == UNUSED)
                memcpy(new_state + i * head_elems, state + i * head_elems,
                       (size_t)head_elems * sizeof *state);
        }
    }
    free(use);
    return 0;
}
