/* INCORRECT_NUMERICAL: an output of zeros. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    (void)hidden_states, (void)weight, (void)stream;
    memset(output, 0, (size_t)planted_elems(axes) * sizeof *output);
    return 0;
}
