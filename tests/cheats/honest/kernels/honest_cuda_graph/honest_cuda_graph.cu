/* Launches a graph that it captured in its first call. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static cudaGraphExec_t graph;
    static const float *captured[3];
    const float *const pointers[] = {hidden_states, weight, output};
    if (!graph || memcmp(captured, pointers, sizeof captured) != 0) {
        cudaGraph_t recorded;
        cudaStream_t recorder;
        if (cudaStreamCreateWithFlags(&recorder, cudaStreamNonBlocking) != cudaSuccess ||
            cudaStreamBeginCapture(recorder, cudaStreamCaptureModeThreadLocal) != cudaSuccess ||
            cheats_norm(hidden_states, weight, output, axes, recorder) ||
            cudaStreamEndCapture(recorder, &recorded) != cudaSuccess ||
            cudaGraphInstantiateWithFlags(&graph, recorded, 0) != cudaSuccess)
            return tm_fail(1, "no graph");
        cudaGraphDestroy(recorded);
        cudaStreamDestroy(recorder);
        memcpy(captured, pointers, sizeof captured);
    }
    return cheats_ok(cudaGraphLaunch(graph, stream));
}
