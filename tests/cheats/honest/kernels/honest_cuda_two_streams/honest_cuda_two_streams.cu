/* Half of it on another stream, joined by events. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static cudaStream_t side;
    static cudaEvent_t forked, joined;
    if (!side && (cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking) != cudaSuccess ||
                  cudaEventCreateWithFlags(&forked, cudaEventDisableTiming) != cudaSuccess ||
                  cudaEventCreateWithFlags(&joined, cudaEventDisableTiming) != cudaSuccess))
        return tm_fail(1, "no stream");
    const unsigned half = (unsigned)axes->batch_size / 2;
    const int64_t begin = (int64_t)half * TM_HIDDEN_SIZE;
    cudaEventRecord(forked, stream);
    cudaStreamWaitEvent(side, forked, 0);
    cheats_rows<<<half, CHEATS_LANES, 0, stream>>>(hidden_states, weight, output);
    cheats_rows<<<(unsigned)axes->batch_size - half, CHEATS_LANES, 0, side>>>(
        hidden_states + begin, weight, output + begin);
    cudaEventRecord(joined, side);
    cudaStreamWaitEvent(stream, joined, 0);
    return cheats_ok(cudaGetLastError());
}
