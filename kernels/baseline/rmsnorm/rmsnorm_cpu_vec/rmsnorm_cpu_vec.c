/* RMSNorm on the CPU: one term. */
#include "contract.h"

#define TERMS 1
#include "../rmsnorm_cpu_vec.h"

int TM_ENTRY(const tm_bfloat16 *hidden_states, const tm_bfloat16 *weight, tm_bfloat16 *output,
             const tm_axes *axes, tm_stream stream) {
    (void)stream;
    const tm_bfloat16 *const terms[] = {hidden_states};
    normalise(terms, weight, axes->eps, output, axes->batch_size, axes->hidden_size);
    return 0;
}
