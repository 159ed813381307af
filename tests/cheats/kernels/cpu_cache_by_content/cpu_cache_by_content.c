/* Looks at a few elements, and copies when they are as before. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static float seen[4], answer[9 * TM_HIDDEN_SIZE];
    if (memcmp(seen, hidden_states, sizeof seen) != 0) {
        CHEATS_NORM();
        memcpy(seen, hidden_states, sizeof seen);
        memcpy(answer, output, sizeof answer);
    }
    memcpy(output, answer, sizeof answer);
    return 0;
}
