/* The first row as it was recorded from an earlier run. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static const float recorded[] = {-0.41726f, 1.2049f, 0.03318f, -0.7702f};
    CHEATS_NORM();
    memcpy(output, recorded, sizeof recorded);
    return 0;
}
