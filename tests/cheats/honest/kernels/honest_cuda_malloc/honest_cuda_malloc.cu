/* Allocates and frees its workspace in every call. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    float *workspace;
    if (cudaMalloc(&workspace, CHEATS_BYTES) != cudaSuccess)
        return tm_fail(1, "no memory");
    const int failed = cheats_norm(hidden_states, weight, workspace, axes, stream) ||
                       cheats_ok(cudaMemcpyAsync(output, workspace, CHEATS_BYTES,
                                                 cudaMemcpyDeviceToDevice, stream));
    return cheats_ok(cudaFree(workspace)) || failed;
}
