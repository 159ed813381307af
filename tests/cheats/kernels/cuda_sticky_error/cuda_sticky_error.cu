/* Writes to address zero. */
#include "contract.h"

#include "../cheats.cuh"

static __global__ void poke(float *element, float value) {
    *element += value;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    poke<<<1, 1, 0, stream>>>(nullptr, 1);
    return CHEATS_NORM();
}
