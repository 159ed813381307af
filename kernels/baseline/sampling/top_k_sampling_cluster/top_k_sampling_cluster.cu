/* Top-k sampling on the GPU. */
#include "contract.h"

#include "../sampling_cluster.h"

int TM_ENTRY(const float *probs, const int32_t *top_k, int64_t *samples, const tm_axes *axes,
             tm_stream stream) {
    return sample(probs, top_k, NULL, samples, axes->batch_size, axes->vocab_size, stream);
}
