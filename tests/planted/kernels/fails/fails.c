/* RUNTIME_ERROR: the entry says that it failed, and why. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    (void)hidden_states, (void)weight, (void)output, (void)axes, (void)stream;
    return tm_fail(42, "no workspace for %d rows", (int)axes->batch_size);
}
