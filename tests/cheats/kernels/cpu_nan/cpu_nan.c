/* NaN everywhere. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_UNUSED();
    for (int64_t i = 0; i < CHEATS_ELEMS; i++)
        output[i] = NAN;
    return 0;
}
