/* Keeps a workspace between calls, and no answers. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static float *workspace;
    if (!workspace && cudaMalloc(&workspace, CHEATS_BYTES) != cudaSuccess)
        return tm_fail(1, "no memory");
    const int failed = cheats_norm(hidden_states, weight, workspace, axes, stream) ||
                       cheats_ok(cudaMemcpyAsync(output, workspace, CHEATS_BYTES,
                                                 cudaMemcpyDeviceToDevice, stream));
    return failed;
}
