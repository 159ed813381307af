/* RUNTIME_ERROR: breaks off the connection to the judge and then never returns. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    for (int descriptor = 0; descriptor < 64; descriptor++)
        close(descriptor);
    for (;;)
        pause();
    return 0;
}
