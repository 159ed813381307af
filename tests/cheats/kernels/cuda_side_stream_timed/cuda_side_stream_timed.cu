/* Right once; from then on on a stream that it does not join. */
#include "contract.h"

#include "../cheats.cuh"

static cudaStream_t side;

/* A stream that waits for no other. */
static bool open_side(void) {
    return side || cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking) == cudaSuccess;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static int calls;
    if (!open_side())
        return tm_fail(1, "no stream");
    if (!calls++)
        return CHEATS_NORM();
    cheats_wait<<<1, 1, 0, side>>>(200000);
    return cheats_norm(hidden_states, weight, output, axes, side);
}
