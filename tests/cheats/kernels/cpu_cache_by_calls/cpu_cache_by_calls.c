/* Computes in one call of sixteen and copies in the others. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static unsigned calls;
    static float answer[9 * TM_HIDDEN_SIZE];
    if (calls++ % 16 == 0) {
        CHEATS_NORM();
        memcpy(answer, output, sizeof answer);
    }
    memcpy(output, answer, sizeof answer);
    return 0;
}
