/* An input of the same shape as its output. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_UNUSED();
    memcpy(output, hidden_states, (size_t)CHEATS_ELEMS * sizeof *output);
    return 0;
}
