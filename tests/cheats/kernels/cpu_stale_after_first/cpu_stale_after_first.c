/* Computes once and leaves later answers alone. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static int calls;
    return calls++ ? 0 : CHEATS_NORM();
}
