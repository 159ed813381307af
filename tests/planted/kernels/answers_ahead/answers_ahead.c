/* RUNTIME_ERROR: an answer to a request that the judge has not sent. */
#include "contract.h"

#include "../forged.h"
#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    forged_send(4);
    return 0;
}
