/* One wrong element among two million. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    output[CHEATS_ELEMS / 3] += 0.5f;
    return 0;
}
