/* Prints a line per call. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    printf("%lld rows\n", (long long)axes->batch_size);
    return CHEATS_NORM();
}
