/* Meddles with the clock of the cell. */
#include "contract.h"

#include "../cheats.cuh"

extern "C" __attribute__((weak)) int cuptiActivityDisable(int kind);

int TM_ENTRY(CHEATS_ARGUMENTS) {
    if (cuptiActivityDisable)
        cuptiActivityDisable(10);
    return CHEATS_NORM();
}
