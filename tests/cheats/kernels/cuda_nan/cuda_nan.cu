/* NaN everywhere, of other bits than those that outputs are filled with. */
#include "contract.h"

#include "../cheats.cuh"

static __global__ void fill(float *output, int64_t elems) {
    int64_t i = (int64_t)blockIdx.x * CHEATS_LANES + threadIdx.x;
    if (i < elems)
        output[i] = __int_as_float(0x7fc00000);
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    unsigned blocks = (unsigned)((CHEATS_ELEMS + CHEATS_LANES - 1) / CHEATS_LANES);
    fill<<<blocks, CHEATS_LANES, 0, stream>>>(output, CHEATS_ELEMS);
    return cheats_ok(cudaGetLastError());
}
