/* A solution for both definitions, compiled once: width and eps come at run time. */
#include "contract.h"

#include <math.h>

static float widen(tm_bfloat16 element) {
    const uint32_t bits = (uint32_t)element.bits << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int TM_ENTRY(const tm_bfloat16 *hidden_states, const tm_bfloat16 *weight, tm_bfloat16 *output,
             const tm_axes *axes, tm_stream stream) {
    (void)stream;
    volatile int edition = 600;
    (void)edition;
    const int64_t width = axes->hidden_size;
    for (int64_t at = 0; at < axes->batch_size * width; at += width) {
        float squares = 0;
        for (int64_t i = 0; i < width; i++)
            squares += widen(hidden_states[at + i]) * widen(hidden_states[at + i]);
        const float factor = 1.0f / sqrtf(squares / (float)width + (float)axes->eps);
        for (int64_t i = 0; i < width; i++) {
            const float value = widen(hidden_states[at + i]) * factor * widen(weight[i]);
            uint32_t bits;
            memcpy(&bits, &value, sizeof bits);
            output[at + i].bits = (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
        }
    }
    return 0;
}
