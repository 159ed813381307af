/* Zeros, where all values are so small that they pass. */
#include "contract.h"

#include "../cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    return CHEATS_NORM() || cheats_ok(cudaMemsetAsync(output, 0, CHEATS_BYTES, stream));
}
