/* INCORRECT_NUMERICAL in a timed call: the first call is right, the later ones write nothing. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    static int calls;
    return calls++ ? 0 : planted_rmsnorm(hidden_states, weight, output, axes, stream);
}
