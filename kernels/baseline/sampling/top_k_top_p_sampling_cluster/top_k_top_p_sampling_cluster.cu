/* Top-k, then top-p sampling on the GPU. */
#include "contract.h"

#include "../sampling_cluster.h"

int TM_ENTRY(const float *probs, const int32_t *top_k, const float *top_p, int64_t *samples,
             const tm_axes *axes, tm_stream stream) {
    return sample(probs, top_k, top_p, samples, axes->batch_size, axes->vocab_size, stream);
}
