/* Returns an error in a timed call. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static int calls;
    return calls++ < 3 ? CHEATS_NORM() : tm_fail(5, "enough of it");
}
