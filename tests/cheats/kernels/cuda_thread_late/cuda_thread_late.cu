/* Returns at once, and a thread launches later. */
#include "contract.h"

#include "../cheats.cuh"

#include <chrono>
#include <thread>

int TM_ENTRY(CHEATS_ARGUMENTS) {
    (void)stream;
    const int64_t rows = axes->batch_size;
    int device = 0;
    cudaGetDevice(&device);
    std::thread([=] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        cudaSetDevice(device);
        cheats_rows<<<(unsigned)rows, CHEATS_LANES>>>(hidden_states, weight, output);
    }).detach();
    return 0;
}
