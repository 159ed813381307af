/* One wrong element, the last. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    output[CHEATS_ELEMS - 1] += 0.5f;
    return 0;
}
