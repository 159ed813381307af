/* Reads its weight through a texture. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

static __global__ void textured(const float *x, cudaTextureObject_t weight, float *output) {
    x += blockIdx.x * TM_HIDDEN_SIZE;
    output += blockIdx.x * TM_HIDDEN_SIZE;
    const float factor = cheats_factor(x);
    for (int i = threadIdx.x; i < TM_HIDDEN_SIZE; i += CHEATS_LANES)
        output[i] = x[i] * factor * tex1Dfetch<float>(weight, i);
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static cudaTextureObject_t texture;
    static const float *bound;
    if (bound != weight) {
        cudaResourceDesc resource = {};
        cudaTextureDesc description = {};
        resource.resType = cudaResourceTypeLinear;
        resource.res.linear.devPtr = (void *)weight;
        resource.res.linear.desc = cudaCreateChannelDesc<float>();
        resource.res.linear.sizeInBytes = TM_HIDDEN_SIZE * sizeof(float);
        if (cudaCreateTextureObject(&texture, &resource, &description, nullptr) != cudaSuccess)
            return tm_fail(1, "no texture");
        bound = weight;
    }
    textured<<<(unsigned)axes->batch_size, CHEATS_LANES, 0, stream>>>(hidden_states, texture,
                                                                      output);
    return cheats_ok(cudaGetLastError());
}
