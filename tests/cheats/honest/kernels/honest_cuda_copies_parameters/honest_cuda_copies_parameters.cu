/* Hands its parameters over by a small copy. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

typedef struct {
    const float *x, *weight;
    float *output;
} parameters;

static __global__ void indirect(const parameters *p) {
    const int64_t begin = blockIdx.x * (int64_t)TM_HIDDEN_SIZE;
    const float factor = cheats_factor(p->x + begin);
    for (int i = threadIdx.x; i < TM_HIDDEN_SIZE; i += CHEATS_LANES)
        p->output[begin + i] = p->x[begin + i] * factor * p->weight[i];
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static parameters *there;
    static parameters here;
    if (!there && cudaMalloc(&there, sizeof here) != cudaSuccess)
        return tm_fail(1, "no memory");
    here = {hidden_states, weight, output};
    cudaMemcpyAsync(there, &here, sizeof here, cudaMemcpyHostToDevice, stream);
    indirect<<<(unsigned)axes->batch_size, CHEATS_LANES, 0, stream>>>(there);
    return cheats_ok(cudaGetLastError());
}
