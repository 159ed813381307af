/* Four elements at a time. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

static __global__ void vectors(const float4 *x, const float4 *weight, float4 *output) {
    x += blockIdx.x * (TM_HIDDEN_SIZE / 4);
    output += blockIdx.x * (TM_HIDDEN_SIZE / 4);
    const float factor = cheats_factor((const float *)x);
    for (int i = threadIdx.x; i < TM_HIDDEN_SIZE / 4; i += CHEATS_LANES)
        output[i] = make_float4(x[i].x * factor * weight[i].x, x[i].y * factor * weight[i].y,
                                x[i].z * factor * weight[i].z, x[i].w * factor * weight[i].w);
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    vectors<<<(unsigned)axes->batch_size, CHEATS_LANES, 0, stream>>>(
        (const float4 *)hidden_states, (const float4 *)weight, (float4 *)output);
    return cheats_ok(cudaGetLastError());
}
