/* An input of the same shape as its output. */
#include "contract.h"

#include "../cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    return cheats_ok(
        cudaMemcpyAsync(output, hidden_states, CHEATS_BYTES, cudaMemcpyDeviceToDevice, stream));
}
