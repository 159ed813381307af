/* RUNTIME_ERROR: closes every descriptor, the worker's way to the judge among them. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    for (int descriptor = 0; descriptor < 64; descriptor++)
        close(descriptor);
    return 0;
}
