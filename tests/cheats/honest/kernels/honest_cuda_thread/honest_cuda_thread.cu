/* Another thread launches, and is joined. */
#include "contract.h"

#include "../../../kernels/cheats.cuh"

#include <thread>

int TM_ENTRY(CHEATS_ARGUMENTS) {
    int device = 0, failed = 0;
    cudaGetDevice(&device);
    std::thread([&] {
        cudaSetDevice(device);
        failed = CHEATS_NORM();
    }).join();
    return failed;
}
