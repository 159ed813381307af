/* Takes its time until the cap leaves few samples. */
#include "contract.h"

#include "../cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static int calls;
    if (calls++ < 9)
        cheats_wait<<<1, 1, 0, stream>>>(70000000);
    return CHEATS_NORM();
}
