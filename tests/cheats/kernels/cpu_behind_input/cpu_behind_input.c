/* Writes behind an input. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    ((float *)(uintptr_t)weight)[TM_HIDDEN_SIZE] = 1;
    return 0;
}
