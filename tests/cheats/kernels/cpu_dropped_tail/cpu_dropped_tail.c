/* The right answer without its last eighth. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    const int64_t kept = CHEATS_ELEMS / 8 * 7;
    memset(output + kept, 0, (size_t)(CHEATS_ELEMS - kept) * sizeof *output);
    return 0;
}
