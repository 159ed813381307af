/* rmsnorm_cpu_vec: RMSNorm on the CPU of the sum of TERMS tensors, which the includer defines: rows
 * over OpenMP threads, vectors of 16 elements. Outputs larger than a cache are written past it,
 * which saves reading each line before it is overwritten. */
#ifndef BASELINE_RMSNORM_CPU_VEC_H
#define BASELINE_RMSNORM_CPU_VEC_H

#include <math.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "tracemill.h"

enum {
    LANES = 8,               /* pairs of bfloat16 in a vector */
    WIDE = 2 * LANES,        /* elements in a vector */
    CHUNK = 512,             /* elements scaled at a time when streaming: stays in the L1 */
    SERIAL_ELEMS = 1 << 15,  /* below, waking the other threads takes longer than the work */
    STREAM_BYTES = 16 << 20, /* from here on the output is not expected to stay in cache */
};

typedef uint32_t bits_vector __attribute__((vector_size(4 * LANES)));
typedef float float_vector __attribute__((vector_size(4 * LANES)));

/* WIDE neighbours: the even ones are the low halves of 32-bit words, the odd ones the high. */
typedef struct {
    float_vector even, odd;
} wide;

static inline void load_wide(const tm_bfloat16 *from, wide *to) {
    bits_vector pairs;
    memcpy(&pairs, from, sizeof pairs);
    to->even = (float_vector)(pairs << 16);
    to->odd = (float_vector)(pairs & 0xffff0000u);
}

/* To nearest even, as the high half of each word; NaN becomes a quiet NaN. */
static inline void round_vector(const float_vector *value, bits_vector *rounded) {
    const bits_vector bits = (bits_vector)*value, is_number = (bits_vector)(*value == *value);
    *rounded = (bits + ((0x7fffu + (bits >> 16 & 1u)) & is_number)) | (~is_number & 0x400000u);
}

static inline void store_wide(const wide *from, tm_bfloat16 *to) {
    bits_vector even, odd;
    round_vector(&from->even, &even);
    round_vector(&from->odd, &odd);
    const bits_vector pairs = even >> 16 | (odd & 0xffff0000u);
    memcpy(to, &pairs, sizeof pairs);
}

/* The sum of the terms, in float32. */
static inline void load_sum(const tm_bfloat16 *const x[TERMS], int64_t at, wide *to) {
    load_wide(x[0] + at, to);
    for (int t = 1; t < TERMS; ++t) {
        wide added;
        load_wide(x[t] + at, &added);
        to->even += added.even;
        to->odd += added.odd;
    }
}

/* The same of less than a vector, the rest as zero. */
static inline void load_last(const tm_bfloat16 *const x[TERMS], int64_t at, int64_t count,
                             wide *to) {
    tm_bfloat16 last[TERMS][WIDE] = {{{0}}};
    const tm_bfloat16 *from[TERMS];
    for (int t = 0; t < TERMS; ++t)
        from[t] = memcpy(last[t], x[t] + at, (size_t)count * sizeof **x);
    load_sum(from, 0, to);
}

static float mean_of_squares(const tm_bfloat16 *const x[TERMS], int64_t elems) {
    wide sum[2] = {0};
    int64_t i = 0;
    for (; i + 2 * WIDE <= elems; i += 2 * WIDE) {
        wide values[2];
        load_sum(x, i, &values[0]);
        load_sum(x, i + WIDE, &values[1]);
        sum[0].even += values[0].even * values[0].even;
        sum[0].odd += values[0].odd * values[0].odd;
        sum[1].even += values[1].even * values[1].even;
        sum[1].odd += values[1].odd * values[1].odd;
    }
    for (; i < elems; i += WIDE) {
        wide values;
        load_last(x, i, elems - i < WIDE ? elems - i : WIDE, &values);
        sum[0].even += values.even * values.even;
        sum[0].odd += values.odd * values.odd;
    }
    const float_vector lanes = (sum[0].even + sum[0].odd) + (sum[1].even + sum[1].odd);
    float total = 0;
    for (int lane = 0; lane < LANES; ++lane)
        total += lanes[lane];
    return total / (float)elems;
}

/* output = x * factor * weight, of elements [begin, end) of a row */
static void scale(const tm_bfloat16 *const x[TERMS], const tm_bfloat16 *weight, float factor,
                  tm_bfloat16 *output, int64_t begin, int64_t end) {
    int64_t i = begin;
    for (; i + WIDE <= end; i += WIDE) {
        wide values, weights;
        load_sum(x, i, &values);
        load_wide(weight + i, &weights);
        values.even = values.even * factor * weights.even;
        values.odd = values.odd * factor * weights.odd;
        store_wide(&values, output + (i - begin));
    }
    if (i < end) {
        const size_t bytes = (size_t)(end - i) * sizeof *weight;
        tm_bfloat16 last[WIDE] = {{0}}, result[WIDE];
        wide values, weights;
        memcpy(last, weight + i, bytes);
        load_last(x, i, end - i, &values);
        load_wide(last, &weights);
        values.even = values.even * factor * weights.even;
        values.odd = values.odd * factor * weights.odd;
        store_wide(&values, result);
        memcpy(output + (i - begin), result, bytes);
    }
}

/* Copies past the cache where both ends allow it. */
static void stream_out(tm_bfloat16 *to, const tm_bfloat16 *from, int64_t elems) {
    int64_t done = 0;
#if defined(__SSE2__)
    if ((uintptr_t)to % sizeof(__m128i) == 0) {
        for (; done + 8 <= elems; done += 8)
            _mm_stream_si128((__m128i *)(void *)(to + done),
                             _mm_load_si128((const __m128i *)(const void *)(from + done)));
    }
#endif
    memcpy(to + done, from + done, (size_t)(elems - done) * sizeof *to);
}

static void normalise_row(const tm_bfloat16 *const x[TERMS], const tm_bfloat16 *weight, double eps,
                          tm_bfloat16 *output, int64_t elems, int streamed) {
    const float factor = 1.0f / sqrtf(mean_of_squares(x, elems) + (float)eps);
    if (!streamed) {
        scale(x, weight, factor, output, 0, elems);
        return;
    }
    for (int64_t begin = 0; begin < elems; begin += CHUNK) {
        _Alignas(64) tm_bfloat16 chunk[CHUNK];
        const int64_t end = elems - begin < CHUNK ? elems : begin + CHUNK;
        scale(x, weight, factor, chunk, begin, end);
        stream_out(output + begin, chunk, end - begin);
    }
}

static void normalise(const tm_bfloat16 *const terms[TERMS], const tm_bfloat16 *weight, double eps,
                      tm_bfloat16 *output, int64_t rows, int64_t elems) {
    const int streamed = rows * elems * (int64_t)sizeof *output >= STREAM_BYTES;
#pragma omp parallel if (rows * elems >= SERIAL_ELEMS)
    {
#pragma omp for schedule(static)
        for (int64_t row = 0; row < rows; ++row) {
            const tm_bfloat16 *x[TERMS];
            for (int t = 0; t < TERMS; ++t)
                x[t] = terms[t] + row * elems;
            normalise_row(x, weight, eps, output + row * elems, elems, streamed);
        }
#if defined(__SSE2__)
        if (streamed)
            _mm_sfence();
#endif
    }
}

#endif
