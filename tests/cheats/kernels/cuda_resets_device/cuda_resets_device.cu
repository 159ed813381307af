/* Takes the device away from its worker. */
#include "contract.h"

#include "../cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    const int failed = CHEATS_NORM();
    return failed || cheats_ok(cudaDeviceReset());
}
