/* RUNTIME_ERROR: right, but also writes one element before the output. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    output[-1] = 0.0f;
    return 0;
}
