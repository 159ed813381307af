/* emulated_vectors: emulated_gpu, and what kernels have that load and store vectors, from their
 * sources as they are but for launches, instructions and shared memory of a size that the launch
 * says (emulated.sh rewrites these). Shared variables keep what the block before left in them. */
#ifndef TM_EMULATED_VECTORS_H
#define TM_EMULATED_VECTORS_H

#include <algorithm>

#include "emulated_gpu.h"

#undef __device__
#define __device__
#define __shared__ static
#define __align__(bytes) __attribute__((aligned(bytes)))

using std::max;
using std::min;

typedef void *cudaStream_t;

inline uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w) {
    return {x, y, z, w};
}
inline float4 make_float4(float x, float y, float z, float w) {
    return {x, y, z, w};
}

/* What is read or written must lie at a multiple of its size. */
template <typename T> T *aligned(T *at) {
    if ((uintptr_t)at % sizeof(T) != 0)
        abort();
    return at;
}
template <typename T> T __ldg(const T *from) {
    return *aligned(from);
}
template <typename T> T __ldcs(const T *from) {
    return *aligned(from);
}
template <typename T> void __stcs(T *to, const T &value) {
    *aligned(to) = value;
}

inline float __uint_as_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
inline float __fdividef(float x, float y) {
    return x / y;
}
inline uint32_t __umulhi(uint32_t x, uint32_t y) {
    return (uint32_t)((uint64_t)x * y >> 32);
}

#include "tracemill.h"

typedef uint32_t __nv_bfloat162;
inline float __bfloat162float(tm_bfloat16 value) {
    return emulated::from_bfloat16(value.bits);
}
inline tm_bfloat16 __float2bfloat16_rn(float value) {
    tm_bfloat16 rounded;
    rounded.bits = (uint16_t)(value == value ? emulated::to_bfloat16(value) : 0x7fffu);
    return rounded;
}
inline __nv_bfloat162 __floats2bfloat162_rn(float low, float high) {
    return __float2bfloat16_rn(low).bits | (uint32_t)__float2bfloat16_rn(high).bits << 16;
}

inline int __syncthreads_or(int mine) {
    static int any;
    __syncthreads();
    any = 0;
    __syncthreads();
    any |= mine != 0;
    __syncthreads();
    return any;
}
inline unsigned __ballot_sync(unsigned, int mine) {
    int all[32];
    emulated::share(mine, all);
    unsigned bits = 0;
    for (int lane = 0; lane < 32; ++lane)
        bits |= (unsigned)(all[lane] != 0) << lane;
    return bits;
}
inline float __shfl_up_sync(unsigned mask, float mine, int distance) {
    const int lane = emulated::now()->current % 32;
    return __shfl_sync(mask, mine, lane < distance ? lane : lane - distance);
}
inline int __ffs(unsigned bits) {
    return __builtin_ffs((int)bits);
}
inline int atomicMin(int *to, int value) {
    const int old = *to;
    *to = min(old, value);
    return old;
}

/* Copies that are waited for by their number, as cuda_pipeline.h has them. */
inline void __pipeline_memcpy_async(void *to, const void *from, size_t, size_t zeros = 0) {
    copy_async(to, from, zeros == 0);
}
inline void __pipeline_commit() {
    copy_commit();
}
#define __pipeline_wait_prior(groups) copy_wait<groups>()

/* tensor_cores.h's three instructions. */
inline void load_matrices(uint32_t (&to)[4], const tm_bfloat16 *row) {
    load_matrices((uint32_t *)to, (const void *)row);
}
inline void load_matrices_transposed(uint32_t (&to)[4], const tm_bfloat16 *row) {
    const tm_bfloat16 *all[32];
    emulated::share(row, all);
    const int lane = emulated::now()->current % 32;
    for (int m = 0; m < 4; ++m)
        to[m] = all[8 * m + lane % 4 * 2][lane / 4].bits |
                (uint32_t)all[8 * m + lane % 4 * 2 + 1][lane / 4].bits << 16;
    emulated::wait_warp();
}
inline void multiply_add(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    const uint32_t b[2] = {b0, b1};
    multiply_bfloat16(sum, a, b);
}

#endif
