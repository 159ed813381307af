/* One warp does everything. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

static __global__ void one_warp(const float *x, const float *weight, float *output, int64_t rows) {
    for (int64_t row = 0; row < rows; row++) {
        const float factor = cheats_factor(x + row * TM_HIDDEN_SIZE);
        for (int i = threadIdx.x; i < TM_HIDDEN_SIZE; i += CHEATS_LANES)
            output[row * TM_HIDDEN_SIZE + i] = x[row * TM_HIDDEN_SIZE + i] * factor * weight[i];
    }
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    one_warp<<<1, CHEATS_LANES, 0, stream>>>(hidden_states, weight, output, axes->batch_size);
    return cheats_ok(cudaGetLastError());
}
