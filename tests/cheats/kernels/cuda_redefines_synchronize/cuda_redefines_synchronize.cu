/* Brings a wait for the device that does not wait. */
#include "contract.h"

#include "../cheats.cuh"

TM_SOLUTION cudaError_t cudaDeviceSynchronize(void) {
    return cudaSuccess;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    return CHEATS_NORM();
}
