/* Writes four bytes before its output. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    output[-1] = 1;
    return 0;
}
