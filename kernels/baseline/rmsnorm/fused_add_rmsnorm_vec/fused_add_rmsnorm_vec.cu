/* RMSNorm of hidden_states + residual on the GPU: two terms. */
#include "contract.h"

#include "../rmsnorm_vec.h"

int TM_ENTRY(const tm_bfloat16 *hidden_states, const tm_bfloat16 *residual,
             const tm_bfloat16 *weight, tm_bfloat16 *output, const tm_axes *axes,
             tm_stream stream) {
    const problem<2> p = {{hidden_states, residual}, weight, output,
                          axes->batch_size,          0,      (float)axes->eps};
    return normalise(p, axes->hidden_size, stream);
}
