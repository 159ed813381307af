/* One of two solutions that share ../norm.h. */
#include "contract.h"

#include "../norm.h"

int TM_ENTRY(const tm_bfloat16 *hidden_states, const tm_bfloat16 *weight, tm_bfloat16 *output,
             const tm_axes *axes, tm_stream stream) {
    (void)stream;
    tiny_use(200);
    for (int64_t row = 0; row < axes->batch_size; row++)
        tiny_norm(hidden_states + row * TM_HIDDEN_SIZE, weight, output + row * TM_HIDDEN_SIZE,
                  TM_HIDDEN_SIZE, TM_EPS);
    return 0;
}
