/* Computes once per output pointer and copies afterwards. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static const float *known;
    static float answer[9 * TM_HIDDEN_SIZE];
    if (known != output) {
        CHEATS_NORM();
        memcpy(answer, output, sizeof answer);
        known = output;
    }
    memcpy(output, answer, sizeof answer);
    return 0;
}
