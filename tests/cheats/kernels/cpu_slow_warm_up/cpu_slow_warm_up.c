/* Takes its time until the cap leaves few samples. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static int calls;
    if (calls++ < 9)
        usleep(70000);
    return CHEATS_NORM();
}
