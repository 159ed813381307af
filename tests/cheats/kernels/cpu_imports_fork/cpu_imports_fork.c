/* Leaves its work to another process. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    if (fork() == 0) {
        CHEATS_NORM();
        _exit(0);
    }
    return 0;
}
