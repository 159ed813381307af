/* RMSNorm on the GPU: one term. */
#include "contract.h"

#include "../rmsnorm_vec.h"

int TM_ENTRY(const tm_bfloat16 *hidden_states, const tm_bfloat16 *weight, tm_bfloat16 *output,
             const tm_axes *axes, tm_stream stream) {
    const problem<1> p = {{hidden_states}, weight, output, axes->batch_size, 0, (float)axes->eps};
    return normalise(p, axes->hidden_size, stream);
}
