/* RMSNorm on the CPU in plain C: each row is widened to float32 once, and the vectoriser does the
 * rest. The row length is known when this is compiled. */
#include "contract.h"

#include <math.h>

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

static void normalise_row(const tm_bfloat16 *restrict x, const float *restrict weight,
                          tm_bfloat16 *restrict output) {
    float wide[TM_HIDDEN_SIZE];
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int i = 0; i < TM_HIDDEN_SIZE; ++i) {
        wide[i] = widen(x[i]);
        squares += wide[i] * wide[i];
    }
    const float factor = 1.0f / sqrtf(squares / TM_HIDDEN_SIZE + (float)TM_EPS);
#pragma omp simd
    for (int i = 0; i < TM_HIDDEN_SIZE; ++i)
        output[i] = narrow(wide[i] * factor * weight[i]);
}

int TM_ENTRY(const tm_bfloat16 *hidden_states, const tm_bfloat16 *weight, tm_bfloat16 *output,
             const tm_axes *axes, tm_stream stream) {
    (void)stream;
    float wide_weight[TM_HIDDEN_SIZE];
    for (int i = 0; i < TM_HIDDEN_SIZE; ++i)
        wide_weight[i] = widen(weight[i]);
#pragma omp parallel for schedule(static) if (axes->batch_size > SERIAL_ROWS)
    for (int64_t row = 0; row < axes->batch_size; ++row)
        normalise_row(hidden_states + row * TM_HIDDEN_SIZE, wide_weight,
                      output + row * TM_HIDDEN_SIZE);
    return 0;
}
