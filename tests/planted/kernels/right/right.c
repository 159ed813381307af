/* PASSED, beside all the others. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    return planted_rmsnorm(hidden_states, weight, output, axes, stream);
}
