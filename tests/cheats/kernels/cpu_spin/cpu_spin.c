/* Never returns, and computes all the time. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_UNUSED();
    for (volatile uint64_t i = 0;; i++)
        ;
    return 0;
}
