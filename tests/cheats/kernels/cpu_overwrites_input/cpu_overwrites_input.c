/* Changes an input, in the untimed call too. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    ((float *)(uintptr_t)hidden_states)[5] += 1;
    return 0;
}
