/* Brings an event clock of its own. */
#include "contract.h"

#include "../cheats.h"

TM_SOLUTION int cudaEventElapsedTime(float *milliseconds, void *begin, void *end) {
    (void)begin, (void)end;
    *milliseconds = 1e-6f;
    return 0;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    return CHEATS_NORM();
}
