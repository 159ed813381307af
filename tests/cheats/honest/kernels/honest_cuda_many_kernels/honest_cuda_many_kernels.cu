/* Two kernels per row, one behind the other. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

static __global__ void copy(const float *x, float *y) {
    for (int i = threadIdx.x; i < TM_HIDDEN_SIZE; i += CHEATS_LANES)
        y[i] = x[i];
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    for (int64_t row = 0; row < axes->batch_size; row++) {
        const float *x = hidden_states + row * TM_HIDDEN_SIZE;
        copy<<<1, CHEATS_LANES, 0, stream>>>(x, output + row * TM_HIDDEN_SIZE);
        cheats_rows<<<1, CHEATS_LANES, 0, stream>>>(output + row * TM_HIDDEN_SIZE, weight,
                                                    output + row * TM_HIDDEN_SIZE);
    }
    return cheats_ok(cudaGetLastError());
}
