/* rmsnorm_cpu_rows: RMSNorm on the CPU in plain C, of one tensor or the sum of two (TERMS,
 * which the includer defines): each row is widened to float32 and added up once, and the vectoriser
 * does the rest. The row length is known when this is compiled: contract.h comes first. */
#ifndef TILED_RMSNORM_CPU_ROWS_H
#define TILED_RMSNORM_CPU_ROWS_H

#include <math.h>

#include "tracemill.h"

enum { SERIAL_ROWS = 8 };

static inline float widen(tm_bfloat16 element) {
    const uint32_t bits = (uint32_t)element.bits << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* To nearest even; NaN stays NaN. */
static inline tm_bfloat16 narrow(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u), quiet = bits | 0x400000u;
    return (tm_bfloat16){(uint16_t)((value == value ? rounded : quiet) >> 16)};
}

static void normalise_row(const tm_bfloat16 *restrict first, const tm_bfloat16 *restrict last,
                          const float *restrict weight, tm_bfloat16 *restrict output) {
    _Alignas(64) float x[TM_HIDDEN_SIZE];
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int i = 0; i < TM_HIDDEN_SIZE; ++i) {
        x[i] = TERMS == 1 ? widen(first[i]) : widen(first[i]) + widen(last[i]);
        squares += x[i] * x[i];
    }
    const float factor = 1.0f / sqrtf(squares / TM_HIDDEN_SIZE + (float)TM_EPS);
#pragma omp simd
    for (int i = 0; i < TM_HIDDEN_SIZE; ++i)
        output[i] = narrow(x[i] * factor * weight[i]);
}

static void normalise(const tm_bfloat16 *const terms[TERMS], const tm_bfloat16 *weight,
                      tm_bfloat16 *output, int64_t rows) {
    _Alignas(64) float wide_weight[TM_HIDDEN_SIZE];
    for (int i = 0; i < TM_HIDDEN_SIZE; ++i)
        wide_weight[i] = widen(weight[i]);
#pragma omp parallel for schedule(static) if (rows > SERIAL_ROWS)
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t begin = row * TM_HIDDEN_SIZE;
        normalise_row(terms[0] + begin, terms[TERMS - 1] + begin, wide_weight, output + begin);
    }
}

#endif
