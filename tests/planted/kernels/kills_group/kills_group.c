/* RUNTIME_ERROR: kills its whole process group; the judge must not be in it. */
#include "contract.h"

#include "../planted.h"

#include <signal.h>

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    planted_libc("kill", 0, SIGKILL);
    return 0;
}
