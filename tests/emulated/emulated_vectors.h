/* emulated_vectors: emulated_gpu, and what kernels have that load and store vectors without tensor
 * cores, from their sources as they are but for launches and one instruction (emulated.sh rewrites
 * these). Shared variables keep what the block before left in them. */
#ifndef TM_EMULATED_VECTORS_H
#define TM_EMULATED_VECTORS_H

#include <algorithm>

#include "emulated_gpu.h"

#undef __device__
#define __device__
#define __shared__ static

using std::max;
using std::min;

typedef void *cudaStream_t;

struct alignas(8) uint2 {
    uint32_t x, y;
};
struct alignas(16) uint4 {
    uint32_t x, y, z, w;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
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
inline int __ffs(unsigned bits) {
    return __builtin_ffs((int)bits);
}
inline int atomicMin(int *to, int value) {
    const int old = *to;
    *to = min(old, value);
    return old;
}

#endif
