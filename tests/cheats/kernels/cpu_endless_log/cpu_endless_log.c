/* Prints without end. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_UNUSED();
    for (;;)
        puts("nothing to see here, and nothing to see here, and nothing to see here");
    return 0;
}
