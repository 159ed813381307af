/* PASSED: a child returns into the worker as well; it must not answer in the parent's place. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_libc("fork", 0, 0);
    return planted_rmsnorm(hidden_states, weight, output, axes, stream);
}
