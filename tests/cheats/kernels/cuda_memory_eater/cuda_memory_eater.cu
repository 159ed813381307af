/* Allocates device memory without end. */
#include "contract.h"

#include "../cheats.cuh"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    for (int blocks = 0;; blocks++) {
        void *memory;
        if (cudaMalloc(&memory, (size_t)1 << 30) != cudaSuccess)
            return tm_fail(12, "out of memory after %d blocks", blocks);
    }
}
