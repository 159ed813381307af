/* Slow, and the same each time. */
#include "contract.h"

#include "../../../kernels/cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    usleep(2000);
    return CHEATS_NORM();
}
