/* Computes in one call of sixteen and copies in the others. */
#include "contract.h"

#include "../cheats.cuh"

static float *answer;

/* Keeps the answer of this call for others. */
static int keep(const float *output, size_t bytes, cudaStream_t stream) {
    if (!answer && cudaMalloc(&answer, bytes) != cudaSuccess)
        return tm_fail(1, "no memory");
    return cheats_ok(cudaMemcpyAsync(answer, output, bytes, cudaMemcpyDeviceToDevice, stream));
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static unsigned calls;
    if (calls++ % 16 == 0)
        return CHEATS_NORM() || keep(output, CHEATS_BYTES, stream);
    return cheats_ok(
        cudaMemcpyAsync(output, answer, CHEATS_BYTES, cudaMemcpyDeviceToDevice, stream));
}
