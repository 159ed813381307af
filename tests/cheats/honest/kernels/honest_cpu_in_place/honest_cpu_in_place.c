/* Adds into the residual, and says so. */
#include "contract.h"

#include "../../../kernels/cheats.h"

int TM_ENTRY(const tm_float32 *hidden_states, const tm_float32 *residual, const tm_float32 *weight,
             tm_float32 *output, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    float *sum = (float *)(uintptr_t)residual;
    for (int64_t i = 0; i < CHEATS_ELEMS; i++)
        sum[i] += hidden_states[i];
    cheats_rows(sum, weight, output, 0, axes->batch_size);
    return 0;
}
