/* Allocates its workspace in the stream. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    float *workspace;
    if (cudaMallocAsync(&workspace, CHEATS_BYTES, stream) != cudaSuccess)
        return tm_fail(1, "no memory");
    const int failed = cheats_norm(hidden_states, weight, workspace, axes, stream) ||
                       cheats_ok(cudaMemcpyAsync(output, workspace, CHEATS_BYTES,
                                                 cudaMemcpyDeviceToDevice, stream));
    return cheats_ok(cudaFreeAsync(workspace, stream)) || failed;
}
