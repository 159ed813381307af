/* warp_tiles: what a warp does with tiles in shared memory: asynchronous copies, matrices loaded
 * into registers, and the 16x8x16 product of tensor cores (PTX ISA, "mma.m16n8k16" and "ldmatrix");
 * the same instructions on sm_80 and everything after. */
#ifndef WARP_TILES_H
#define WARP_TILES_H

#include "tracemill.h"

namespace {

__device__ __forceinline__ uint32_t shared_address(const void *pointer) {
    return (uint32_t)__cvta_generic_to_shared(pointer);
}

/* 16 bytes from global to shared memory, not kept in the L1. */
__device__ __forceinline__ void copy_async(void *to, const void *from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n" ::"r"(shared_address(to)),
                 "l"(from));
}

/* The line around an address is on its way to the L2. */
__device__ __forceinline__ void prefetch(const void *from) {
    asm volatile("prefetch.global.L2 [%0];\n" ::"l"(__cvta_generic_to_global(from)));
}

__device__ __forceinline__ void commit_copies() {
    asm volatile("cp.async.commit_group;\n");
}

/* Waits until at most PENDING of the committed groups are under way. */
template <int PENDING> __device__ __forceinline__ void wait_for_copies() {
    asm volatile("cp.async.wait_group %0;\n" ::"n"(PENDING) : "memory");
}

/* Four 8x8 matrices of 16-bit elements, matrix i from the rows that lanes 8 i to 8 i + 7 point at.
 * Lane l gets of each the two elements 2 (l % 4) of row l / 4. */
__device__ __forceinline__ void load_matrices(uint32_t (&to)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared_address(row))
                 : "memory");
}

/* The same of the transposed matrices: the rows 2 (l % 4) and the one behind of column l / 4. */
__device__ __forceinline__ void load_transposed(uint32_t (&to)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared_address(row))
                 : "memory");
}

/* sums[16][8] += a[16][16] b[16][8]. Lane l holds of `sums` the columns 2 (l % 4) and the one
 * behind of the rows l / 4 and l / 4 + 8; of `a` pairs in rows l / 4, l / 4 + 8 at columns 2 (l %
 * 4), then the same 8 columns on; of `b` rows 2 (l % 4) and the one behind of column l / 4, then 8
 * rows on. */
__device__ __forceinline__ void multiply_add(float (&sums)[4], const uint32_t (&a)[4], uint32_t b0,
                                             uint32_t b1, __nv_bfloat16) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
                 : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ void multiply_add(float (&sums)[4], const uint32_t (&a)[4], uint32_t b0,
                                             uint32_t b1, __half) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
                 : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/* Two floats, rounded to 16 bits, the first in the low half. */
__device__ __forceinline__ uint32_t pack_pair(float low, float high, __nv_bfloat16) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    uint32_t bits;
    memcpy(&bits, &pair, sizeof bits);
    return bits;
}

__device__ __forceinline__ uint32_t pack_pair(float low, float high, __half) {
    const __half2 pair = __floats2half2_rn(low, high);
    uint32_t bits;
    memcpy(&bits, &pair, sizeof bits);
    return bits;
}

} // namespace

#endif
