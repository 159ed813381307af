/* Leaves its outputs alone. */
#include "contract.h"

#include "../cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    return 0;
}
