/* RUNTIME_ERROR: exit(0) after the right answer is no answer. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    exit(0);
}
