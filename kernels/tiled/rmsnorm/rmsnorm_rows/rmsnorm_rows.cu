/* RMSNorm on the GPU: one term. */
#include "contract.h"

#include "../rmsnorm_rows.h"

int TM_ENTRY(const tm_bfloat16 *hidden_states, const tm_bfloat16 *weight, tm_bfloat16 *output,
             const tm_axes *axes, tm_stream stream) {
    return normalise<1>({{hidden_states}, weight, output, axes->batch_size}, stream);
}
