/* Computes in one call of eight and leaves the others alone. */
#include "contract.h"

#include "../cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static unsigned calls;
    return calls++ % 8 ? 0 : CHEATS_NORM();
}
