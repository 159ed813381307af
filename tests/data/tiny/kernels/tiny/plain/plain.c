/* A solution of one file and one listed header of its own. */
#include "contract.h"

#include "plain.h"

#ifndef TINY_EDITION
#define TINY_EDITION 400
#endif

static float widen(tm_bfloat16 element) {
    const uint32_t bits = (uint32_t)element.bits << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int TM_ENTRY(const tm_bfloat16 *hidden_states, const tm_bfloat16 *weight, tm_bfloat16 *output,
             const tm_axes *axes, tm_stream stream) {
    (void)stream;
    volatile int edition = TINY_EDITION + PLAIN_EDITION;
    (void)edition;
    for (int64_t at = 0; at < axes->batch_size * TM_HIDDEN_SIZE; at += TM_HIDDEN_SIZE) {
        float squares = 0;
        for (int i = 0; i < TM_HIDDEN_SIZE; i++)
            squares += widen(hidden_states[at + i]) * widen(hidden_states[at + i]);
        const float factor = 1.0f / sqrtf(squares / TM_HIDDEN_SIZE + (float)TM_EPS);
        for (int i = 0; i < TM_HIDDEN_SIZE; i++) {
            const float value = widen(hidden_states[at + i]) * factor * widen(weight[i]);
            uint32_t bits;
            memcpy(&bits, &value, sizeof bits);
            output[at + i].bits = (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
        }
    }
    return 0;
}
