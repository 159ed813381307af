/* Top-k sampling on the CPU. */
#include "contract.h"

#include "../sampling_cpu.h"

int TM_ENTRY(const float *probs, const int32_t *top_k, int64_t *samples, const tm_axes *axes,
             tm_stream stream) {
    (void)stream;
    return sample(probs, top_k, NULL, samples, axes->batch_size, axes->vocab_size);
}
