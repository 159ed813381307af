/* TIMEOUT: an endless loop. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    for (volatile int forever = 1; forever;)
        ;
    return 0;
}
