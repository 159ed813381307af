/* block: the driver of native references whose items are large: each is done by a block of threads
 * that share memory, on the CPU by one thread. A block is made of teams (reference.h), each of
 * neighbouring lanes.
 *
 * Sums are of integers, so that the order in which threads come cannot change a result. */
#ifndef TM_REFERENCE_BLOCK_H
#define TM_REFERENCE_BLOCK_H

#include "reference.h"

#if TM_ON_GPU

#define TM_BLOCK 512
#define TM_BLOCK_TEAMS (TM_BLOCK / TM_TEAM)

TM_ITEM int tm_block_thread(void) {
    return (int)threadIdx.x;
}

TM_ITEM void tm_block_wait(void) {
    __syncthreads();
}

TM_ITEM void tm_block_add32(uint32_t *sum, uint32_t value) {
    atomicAdd(sum, value);
}

TM_ITEM void tm_block_add64(uint64_t *sum, uint64_t value) {
    atomicAdd((unsigned long long *)sum, (unsigned long long)value);
}

TM_ITEM void tm_block_max32(uint32_t *most, uint32_t value) {
    atomicMax(most, value);
}

/* The sum over the lanes before this one. All lanes of the team must call it. */
TM_ITEM uint64_t tm_team_before(uint64_t value) {
    const int lane = (int)threadIdx.x % TM_TEAM;
    uint64_t sum = value;
    TM_UNROLL
    for (int distance = 1; distance < TM_TEAM; distance *= 2) {
        const uint64_t other = __shfl_up_sync(0xffffffffu, sum, distance);
        sum += lane >= distance ? other : 0;
    }
    return sum - value;
}

/* The sum over the team, in every lane. */
TM_ITEM uint64_t tm_team_total(uint64_t value) {
    TM_UNROLL
    for (int distance = TM_TEAM / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    return value;
}

/* Defines `int run(const job_type *job, int64_t items, tm_stream stream)`, which calls
 * `item(job, index, shared)` for every index below `items` with all threads of a block; `shared` is
 * the block's own `shared_type`, not cleared. Returns 0 or an error code. */
#define TM_BLOCK_DRIVER(run, job_type, item, shared_type)                                       \
    static __global__ void __launch_bounds__(TM_BLOCK)                                          \
        run##_grid(const __grid_constant__ job_type job, const int64_t items) {                 \
        __shared__ shared_type shared;                                                          \
        for (int64_t index = blockIdx.x; index < items; index += gridDim.x) {                   \
            item(&job, index, &shared);                                                         \
            __syncthreads();                                                                    \
        }                                                                                       \
    }                                                                                           \
    static int run(const job_type *job, int64_t items, tm_stream stream) {                      \
        if (items == 0)                                                                         \
            return 0;                                                                           \
        run##_grid<<<(unsigned)(items < INT32_MAX ? items : INT32_MAX), TM_BLOCK, 0, stream>>>( \
            *job, items);                                                                       \
        const cudaError_t status = cudaGetLastError();                                          \
        return status == cudaSuccess ? 0 : tm_fail(1, #run ": %s", cudaGetErrorString(status)); \
    }

#else

#define TM_BLOCK 1
#define TM_BLOCK_TEAMS 1

TM_ITEM int tm_block_thread(void) {
    return 0;
}

TM_ITEM void tm_block_wait(void) {
}

TM_ITEM void tm_block_add32(uint32_t *sum, uint32_t value) {
    *sum += value;
}

TM_ITEM void tm_block_add64(uint64_t *sum, uint64_t value) {
    *sum += value;
}

TM_ITEM void tm_block_max32(uint32_t *most, uint32_t value) {
    *most = *most > value ? *most : value;
}

TM_ITEM uint64_t tm_team_before(uint64_t value) {
    (void)value;
    return 0;
}

TM_ITEM uint64_t tm_team_total(uint64_t value) {
    return value;
}

#define TM_BLOCK_DRIVER(run, job_type, item, shared_type)                  \
    static int run(const job_type *job, int64_t items, tm_stream stream) { \
        (void)stream;                                                      \
        TM_PRAGMA(omp parallel for schedule(dynamic) if (items > 1))       \
        for (int64_t index = 0; index < items; ++index) {                  \
            shared_type shared;                                            \
            item(job, index, &shared);                                     \
        }                                                                  \
        return 0;                                                          \
    }

#endif
#endif
