/* RUNTIME_ERROR: exit(0) before the first call. */
#include "contract.h"

#include "../planted.h"

__attribute__((constructor)) static void leave(void) {
    exit(0);
}

int TM_ENTRY(PLANTED_ARGUMENTS) {
    return planted_rmsnorm(hidden_states, weight, output, axes, stream);
}
