/* Writes its output twice: the sum, then what it comes to. */
#include "contract.h"

#include "../../../kernels/cheats.h"

int TM_ENTRY(const tm_float32 *hidden_states, const tm_float32 *residual, const tm_float32 *weight,
             tm_float32 *output, const tm_axes *axes, tm_stream stream) {
    (void)stream;
    for (int64_t i = 0; i < CHEATS_ELEMS; i++)
        output[i] = hidden_states[i] + residual[i];
    cheats_rows(output, weight, output, 0, axes->batch_size);
    return 0;
}
