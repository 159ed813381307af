/* A kernel that never ends. */
#include "contract.h"

#include "../cheats.cuh"

static __global__ void spin(volatile float *output) {
    while (output[0] != 12345.0f)
        ;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    spin<<<1, 1, 0, stream>>>(output);
    return 0;
}
