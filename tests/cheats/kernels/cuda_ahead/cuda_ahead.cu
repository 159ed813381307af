/* Computes the next answer behind each call, and only copies in it. */
#include "contract.h"

#include "../cheats.cuh"

static cudaStream_t side;

/* A stream that waits for no other. */
static bool open_side(void) {
    return side || cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking) == cudaSuccess;
}
static float *answer;

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static bool ready;
    if (!open_side() || (!answer && cudaMalloc(&answer, CHEATS_BYTES) != cudaSuccess))
        return tm_fail(1, "no memory");
    if (!ready) {
        ready = true;
        const int failed = CHEATS_NORM();
        cheats_norm(hidden_states, weight, answer, axes, stream);
        return failed;
    }
    cudaMemcpyAsync(output, answer, CHEATS_BYTES, cudaMemcpyDeviceToDevice, stream);
    cheats_wait<<<1, 1, 0, side>>>(20000);
    return cheats_norm(hidden_states, weight, answer, axes, side);
}
