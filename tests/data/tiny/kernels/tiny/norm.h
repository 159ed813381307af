/* What wide and narrow share: one row of RMSNorm. An edition number is compiled into the object and
 * read by nobody, so that a test can change the code and not the result. */
#ifndef TINY_NORM_H
#define TINY_NORM_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline void tiny_use(int edition) {
    volatile int kept = edition;
    (void)kept;
}

static inline float tiny_widen(tm_bfloat16 element) {
    const uint32_t bits = (uint32_t)element.bits << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* To nearest even. */
static inline tm_bfloat16 tiny_narrow(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (tm_bfloat16){(uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

static inline void tiny_norm(const tm_bfloat16 *x, const tm_bfloat16 *weight, tm_bfloat16 *output,
                             int64_t width, double eps) {
    tiny_use(100);
    float squares = 0;
    for (int64_t i = 0; i < width; i++)
        squares += tiny_widen(x[i]) * tiny_widen(x[i]);
    const float factor = 1.0f / sqrtf(squares / (float)width + (float)eps);
    for (int64_t i = 0; i < width; i++)
        output[i] = tiny_narrow(tiny_widen(x[i]) * factor * tiny_widen(weight[i]));
}

#endif
