/* Maps and unmaps its workspace. */
#include "contract.h"

#include "../../../kernels/cheats.h"

#include <sys/mman.h>

int TM_ENTRY(CHEATS_ARGUMENTS) {
    const size_t bytes = (size_t)CHEATS_ELEMS * sizeof(float);
    float *workspace =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (workspace == MAP_FAILED)
        return tm_fail(1, "no memory");
    cheats_norm(hidden_states, weight, workspace, axes, stream);
    memcpy(output, workspace, bytes);
    return munmap(workspace, bytes);
}
