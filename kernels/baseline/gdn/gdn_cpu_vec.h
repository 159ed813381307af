/* gdn_cpu_vec: the gated delta rule on the CPU, a head's state at a time. Both products with the
 * state, by k and by q, are taken of the old one, which is read once: the new one is
 *
 *     S' = g S + k d   with   d = beta (v - g (k . S)),   so that   q . S' = g (q . S) + (k . q) d
 *
 * States larger than a cache are written past it, which saves reading each line before it is
 * overwritten. */
#ifndef BASELINE_GDN_CPU_VEC_H
#define BASELINE_GDN_CPU_VEC_H

#include <math.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#include "tracemill.h"

enum {
    MOST_SIZE = 1024,        /* of a head */
    STREAM_BYTES = 16 << 20, /* from here on the states are not expected to stay in cache */
};

/* All tokens' inputs, and what the definition's heads are. */
typedef struct {
    const tm_bfloat16 *q, *k, *v; /* [tokens, heads of each, size] */
    const float *A_log, *dt_bias; /* [v_heads] */
    const tm_bfloat16 *a, *b;     /* [tokens, v_heads] */
    tm_bfloat16 *output;          /* as v */
    int64_t q_heads, k_heads, v_heads, size;
    float scale;
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

/* to = decay from + change k; `from` may be `to`, or NULL for zeros. */
static inline void update_row(const float *from, float decay, float change, const float *k,
                              int64_t size, int streamed, float *to) {
    int64_t i = 0;
    if (!from) {
        for (; i < size; ++i)
            to[i] = change * k[i];
        return;
    }
#if defined(__AVX__)
    if (streamed && (uintptr_t)to % sizeof(__m256) == 0) {
        const __m256 decays = _mm256_set1_ps(decay), changes = _mm256_set1_ps(change);
        for (; i + 8 <= size; i += 8)
            _mm256_stream_ps(to + i, _mm256_add_ps(_mm256_mul_ps(decays, _mm256_loadu_ps(from + i)),
                                                   _mm256_mul_ps(changes, _mm256_loadu_ps(k + i))));
    }
#else
    (void)streamed;
#endif
#pragma omp simd
    for (int64_t j = i; j < size; ++j)
        to[j] = decay * from[j] + change * k[j];
}

/* One token of one head: `from` as above, rows of k's length. */
static void step(const problem *p, int64_t token, int64_t head, const float *from, float *to,
                 int streamed) {
    const int64_t size = p->size, of_head = token * p->v_heads + head;
    const tm_bfloat16 *keys = p->k + (token * p->k_heads + head / (p->v_heads / p->k_heads)) * size;
    const tm_bfloat16 *queries =
        p->q + (token * p->q_heads + head / (p->v_heads / p->q_heads)) * size;
    const float x = widened(p->a[of_head]) + p->dt_bias[head];
    const float softplus = x > 20 ? x : log1pf(expf(x));
    const float decay = expf(-expf(p->A_log[head]) * softplus);
    const float beta = 1 / (1 + expf(-widened(p->b[of_head])));
    float k[MOST_SIZE], q[MOST_SIZE], kq = 0;
    for (int64_t i = 0; i < size; ++i) {
        k[i] = widened(keys[i]);
        q[i] = widened(queries[i]);
    }
#pragma omp simd reduction(+ : kq)
    for (int64_t i = 0; i < size; ++i)
        kq += k[i] * q[i];
    for (int64_t row = 0; row < size; ++row) {
        const float *s = from ? from + row * size : NULL;
        float by_k = 0, by_q = 0;
        if (s) {
#pragma omp simd reduction(+ : by_k, by_q)
            for (int64_t i = 0; i < size; ++i) {
                by_k += k[i] * s[i];
                by_q += q[i] * s[i];
            }
        }
        const float change = beta * (widened(p->v[of_head * size + row]) - decay * by_k);
        p->output[of_head * size + row] = rounded(p->scale * (decay * by_q + kq * change));
        update_row(s, decay, change, k, size, streamed, to + row * size);
    }
}

/* Tokens [begin, end) of one head, from a state (NULL: zeros) to another place. */
static inline void steps(const problem *p, int64_t begin, int64_t end, int64_t head,
                         const float *from, float *to, int streamed) {
    for (int64_t token = begin; token < end; ++token) {
        step(p, token, head, from, to, streamed && begin + 1 == end);
        from = to;
    }
}

static inline int is_streamed(int64_t states, int64_t size) {
    return states * size * size * (int64_t)sizeof(float) >= STREAM_BYTES;
}

static inline void finish_streaming(void) {
#if defined(__AVX__)
    _mm_sfence();
#endif
}

/* What a definition calls `scale`: 0 stands for the usual. */
static inline float scale_or_usual(float scale, int64_t size) {
    return scale == 0 ? 1 / sqrtf((float)size) : scale;
}

/* 0, or an error code. */
static inline int check(const problem *p) {
    if (p->size > MOST_SIZE)
        return tm_fail(2, "head_size: expected at most %d, got %lld", MOST_SIZE,
                       (long long)p->size);
    if (p->q_heads == 0 || p->k_heads == 0 || p->v_heads % p->q_heads != 0 ||
        p->v_heads % p->k_heads != 0)
        return tm_fail(2, "num_v_heads: expected a multiple of num_q_heads and num_k_heads");
    return 0;
}

#endif
