/* The right answer times 1.1, where that passes. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    for (int64_t i = 0; i < CHEATS_ELEMS; i++)
        output[i] *= 1.1f;
    return 0;
}
