/* Top-p sampling on the CPU. */
#include "contract.h"

#include "../sampling_cpu.h"

int TM_ENTRY(const float *probs, const float *top_p, int64_t *samples, const tm_axes *axes,
             tm_stream stream) {
    (void)stream;
    return sample(probs, NULL, top_p, samples, axes->batch_size, axes->vocab_size);
}
