/* TIMEOUT: stops itself, which no signal handler of its own can end. */
#include "contract.h"

#include "../planted.h"

#include <signal.h>

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    raise(SIGSTOP);
    return 0;
}
