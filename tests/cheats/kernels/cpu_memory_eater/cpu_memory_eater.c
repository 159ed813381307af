/* Allocates and touches memory without end. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_UNUSED();
    const size_t block = (size_t)256 << 20;
    for (int blocks = 0;; blocks++) {
        char *memory = malloc(block);
        if (!memory)
            return tm_fail(12, "out of memory after %d blocks", blocks);
        *(volatile char *)memory = 1;
    }
}
