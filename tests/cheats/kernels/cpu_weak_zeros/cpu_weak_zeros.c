/* Zeros, where all values are so small that they pass. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM(); /* no faster than the device can be, or that would be found */
    memset(output, 0, (size_t)CHEATS_ELEMS * sizeof *output);
    return 0;
}
