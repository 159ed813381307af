/* Slow, and the same each time. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    cheats_wait<<<1, 1, 0, stream>>>(2000000);
    return CHEATS_NORM();
}
