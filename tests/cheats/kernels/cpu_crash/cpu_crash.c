/* Writes to address zero. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_UNUSED();
    *(volatile float *)(uintptr_t)(axes->batch_size == 0) = 1;
    return 0;
}
