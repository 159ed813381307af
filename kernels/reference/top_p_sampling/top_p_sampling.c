/* Top-p sampling: sampling.h. An item is a row. */
#include "contract.h"

#include "../sampling.h"

int TM_ENTRY(const tm_probs_t *probs, const tm_top_p_t *top_p, tm_samples_t *samples,
             const tm_axes *axes, tm_stream stream) {
    const sampling_job job = {probs, NULL, top_p, samples, axes->vocab_size, 0};
    return sampling_run(job, axes->batch_size, stream);
}
