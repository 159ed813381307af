/* Writes four bytes behind its output. */
#include "contract.h"

#include "../cheats.cuh"

static __global__ void poke(float *element, float value) {
    *element = value;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    const int failed = CHEATS_NORM();
    poke<<<1, 1, 0, stream>>>(output + CHEATS_ELEMS, 1);
    return failed;
}
