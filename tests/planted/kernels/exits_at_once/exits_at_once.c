/* RUNTIME_ERROR: _exit with the status by which shells say "not found". */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    _exit(127);
}
