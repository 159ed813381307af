/* RUNTIME_ERROR: right, but also writes one element behind the output. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    output[planted_elems(axes)] = 0.0f;
    return 0;
}
