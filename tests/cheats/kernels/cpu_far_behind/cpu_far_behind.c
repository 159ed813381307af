/* Writes one byte, 64 KiB behind its output. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    ((volatile char *)(output + CHEATS_ELEMS))[65536] = 1;
    return 0;
}
