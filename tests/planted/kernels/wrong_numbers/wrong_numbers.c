/* INCORRECT_NUMERICAL: every element a tenth too large. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    for (int64_t i = 0; i < planted_elems(axes); i++)
        output[i] *= 1.1f;
    return 0;
}
