/* Says PASSED and ends with exit status 0. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_UNUSED();
    printf("PASSED cpu_prints_passed: 1 ns\n");
    exit(0);
}
