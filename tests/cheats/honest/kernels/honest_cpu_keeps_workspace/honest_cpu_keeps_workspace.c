/* Keeps a workspace between calls, and no answers. */
#include "contract.h"

#include "../../../kernels/cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static float *workspace;
    if (!workspace && !(workspace = malloc((size_t)CHEATS_ELEMS * sizeof *workspace)))
        return tm_fail(1, "no memory");
    cheats_norm(hidden_states, weight, workspace, axes, stream);
    memcpy(output, workspace, (size_t)CHEATS_ELEMS * sizeof *output);
    return 0;
}
