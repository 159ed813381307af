/* Whether lib/random.h gives the same bits on the GPU as on the host: every dtype, all elements
 * of a few buffers and the blocks around the counter's carries. Exit status 0 or 1; 77 without a
 * device. Build it with and without -use_fast_math: the bits must not change. */
#include <cuda_runtime.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/random.h"
#include "lib/dtype.h"

#define BLOCKS (1u << 20) /* of four elements, per buffer */
#define THREADS 256

struct draw {
    uint64_t seed;
    uint32_t tensor;
    uint64_t first_block;
};

static const draw draws[] = {
    {0, 0, 0},
    {0x0123456789abcdefull, 41, 0},
    {~0ull, ~0u, (1ull << 32) - BLOCKS / 2},
};

static __global__ void fill(uint64_t *out, tm_dtype dtype, draw d) {
    uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < BLOCKS)
        tm_random_block4(d.seed, d.tensor, dtype, d.first_block + i, out + i * TM_RANDOM_BLOCK);
}

static bool good(cudaError_t status, const char *what) {
    if (status != cudaSuccess)
        printf("FAIL %s: %s\n", what, cudaGetErrorString(status));
    return status == cudaSuccess;
}

/* Elements that differ; prints the first one. */
static size_t compare(const uint64_t *device, tm_dtype dtype, draw d) {
    size_t wrong = 0;
    for (uint64_t i = 0; i < BLOCKS; i++) {
        uint64_t host[TM_RANDOM_BLOCK];
        tm_random_block4(d.seed, d.tensor, dtype, d.first_block + i, host);
        for (int k = 0; k < TM_RANDOM_BLOCK; k++) {
            uint64_t got = device[i * TM_RANDOM_BLOCK + k];
            if (got != host[k] && wrong++ == 0)
                printf("%s seed %#llx tensor %u block %llu element %d: expected %#llx, got %#llx\n",
                       tm_dtype_name(dtype), (unsigned long long)d.seed, d.tensor,
                       (unsigned long long)(d.first_block + i), k, (unsigned long long)host[k],
                       (unsigned long long)got);
        }
    }
    return wrong;
}

static bool check(tm_dtype dtype, uint64_t *device, uint64_t *back, size_t bytes) {
    size_t wrong = 0;
    for (const draw &d : draws) {
        /* A kernel that writes nothing must not find the last answer in place. */
        if (!good(cudaMemset(device, 0x5a, bytes), "cudaMemset"))
            return false;
        fill<<<BLOCKS / THREADS, THREADS>>>(device, dtype, d);
        if (!good(cudaGetLastError(), "launch") ||
            !good(cudaMemcpy(back, device, bytes, cudaMemcpyDeviceToHost), "cudaMemcpy"))
            return false;
        wrong += compare(back, dtype, d);
    }
    printf("%s %s: %zu of %zu elements differ\n", wrong == 0 ? "PASS" : "FAIL",
           tm_dtype_name(dtype), wrong, sizeof draws / sizeof draws[0] * BLOCKS * TM_RANDOM_BLOCK);
    return wrong == 0;
}

int main(void) {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
        printf("SKIPPED: no CUDA device\n");
        return 77;
    }
    const size_t bytes = (size_t)BLOCKS * TM_RANDOM_BLOCK * sizeof(uint64_t);
    uint64_t *device = nullptr, *back = (uint64_t *)malloc(bytes);
    bool passed = back != nullptr && good(cudaMalloc(&device, bytes), "cudaMalloc");
    for (int dtype = 0; passed && dtype < TM_DTYPE_COUNT; dtype++)
        passed = check((tm_dtype)dtype, device, back, bytes);
    cudaFree(device);
    free(back);
    return passed ? 0 : 1;
}
