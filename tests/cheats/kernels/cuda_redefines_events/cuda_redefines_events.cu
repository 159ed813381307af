/* Brings an event clock of its own. */
#include "contract.h"

#include "../cheats.cuh"

TM_SOLUTION cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t, cudaEvent_t) {
    *milliseconds = 1e-6f;
    return cudaSuccess;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    return CHEATS_NORM();
}
