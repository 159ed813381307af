/* INCORRECT_NUMERICAL: one wrong element, the last. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    output[planted_elems(axes) - 1] += 1.0f;
    return 0;
}
