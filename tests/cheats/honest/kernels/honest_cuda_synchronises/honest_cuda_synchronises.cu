/* Waits for the device before it returns. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    const int failed = CHEATS_NORM();
    return failed || cheats_ok(cudaStreamSynchronize(stream));
}
