/* Adds into the residual, and says so. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

static __global__ void add(const float *x, float *sum) {
    for (int i = threadIdx.x; i < TM_HIDDEN_SIZE; i += CHEATS_LANES)
        sum[blockIdx.x * TM_HIDDEN_SIZE + i] += x[blockIdx.x * TM_HIDDEN_SIZE + i];
}

int TM_ENTRY(const tm_float32 *hidden_states, const tm_float32 *residual, const tm_float32 *weight,
             tm_float32 *output, const tm_axes *axes, tm_stream stream) {
    add<<<(unsigned)axes->batch_size, CHEATS_LANES, 0, stream>>>(hidden_states, (float *)residual);
    return cheats_norm(residual, weight, output, axes, stream);
}
