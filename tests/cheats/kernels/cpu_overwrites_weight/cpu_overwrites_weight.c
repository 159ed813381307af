/* Makes the weight easier for the next call. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    for (int i = 0; i < TM_HIDDEN_SIZE; i++)
        ((float *)(uintptr_t)weight)[i] = 1;
    return 0;
}
