/* Allocates its workspace in every call. */
#include "contract.h"

#include "../../../kernels/cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    float *workspace = malloc((size_t)CHEATS_ELEMS * sizeof *workspace);
    if (!workspace)
        return tm_fail(1, "no memory");
    cheats_norm(hidden_states, weight, workspace, axes, stream);
    memcpy(output, workspace, (size_t)CHEATS_ELEMS * sizeof *output);
    free(workspace);
    return 0;
}
