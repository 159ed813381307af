/* Writes four bytes behind its output. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    output[CHEATS_ELEMS] = 1;
    return 0;
}
