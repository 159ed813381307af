/* Computes on a stream of its own and does not join it. */
#include "contract.h"

#include "../cheats.cuh"

static cudaStream_t side;

/* A stream that waits for no other. */
static bool open_side(void) {
    return side || cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking) == cudaSuccess;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    if (!open_side())
        return tm_fail(1, "no stream");
    cheats_wait<<<1, 1, 0, side>>>(3000000);
    (void)stream;
    return cheats_norm(hidden_states, weight, output, axes, side);
}
