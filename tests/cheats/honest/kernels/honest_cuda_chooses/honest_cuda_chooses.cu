/* Times two ways of its own in its first call, and keeps the faster. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

static void launch(int way, const float *x, const float *weight, float *output, int64_t rows,
                   cudaStream_t stream) {
    if (way == 0) {
        cheats_rows<<<(unsigned)rows, CHEATS_LANES, 0, stream>>>(x, weight, output);
        return;
    }
    cheats_rows<<<1, CHEATS_LANES, 0, stream>>>(x, weight, output);
    cheats_rows<<<(unsigned)rows - 1, CHEATS_LANES, 0, stream>>>(x + TM_HIDDEN_SIZE, weight,
                                                                 output + TM_HIDDEN_SIZE);
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static int way = -1;
    if (way < 0) {
        cudaEvent_t events[3];
        float first = 0, second = 0;
        for (int i = 0; i < 3; i++) {
            if (cudaEventCreate(&events[i]) != cudaSuccess)
                return tm_fail(1, "no event");
            cudaEventRecord(events[i], stream);
            if (i < 2)
                launch(i, hidden_states, weight, output, axes->batch_size, stream);
        }
        cudaEventSynchronize(events[2]);
        cudaEventElapsedTime(&first, events[0], events[1]);
        cudaEventElapsedTime(&second, events[1], events[2]);
        way = second < first;
        for (int i = 0; i < 3; i++)
            cudaEventDestroy(events[i]);
    }
    launch(way, hidden_states, weight, output, axes->batch_size, stream);
    return cheats_ok(cudaGetLastError());
}
