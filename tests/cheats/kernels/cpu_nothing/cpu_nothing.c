/* Leaves its outputs alone. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_UNUSED();
    return 0;
}
