/* A grid that waits for itself half way. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

#include <cooperative_groups.h>

static __global__ void two_steps(const float *x, const float *weight, float *output,
                                 float *factors) {
    factors[blockIdx.x] = cheats_factor(x + blockIdx.x * TM_HIDDEN_SIZE);
    cooperative_groups::this_grid().sync();
    const int row = gridDim.x - 1 - blockIdx.x; /* another block's */
    for (int i = threadIdx.x; i < TM_HIDDEN_SIZE; i += CHEATS_LANES)
        output[row * TM_HIDDEN_SIZE + i] = x[row * TM_HIDDEN_SIZE + i] * factors[row] * weight[i];
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static float *factors;
    if (!factors && cudaMalloc(&factors, (size_t)axes->batch_size * sizeof *factors) != cudaSuccess)
        return tm_fail(1, "no memory");
    void *arguments[] = {&hidden_states, &weight, &output, &factors};
    return cheats_ok(cudaLaunchCooperativeKernel((void *)two_steps, (unsigned)axes->batch_size,
                                                 CHEATS_LANES, arguments, 0, stream));
}
