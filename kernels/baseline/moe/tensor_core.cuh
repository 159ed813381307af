/* tensor_core: the warp-wide instructions that the expert kernels are made of, each as one
 * function. Without nvcc they come from the test that runs these kernels on a CPU. */
#ifndef TM_BASELINE_TENSOR_CORE_CUH
#define TM_BASELINE_TENSOR_CORE_CUH

#include <stdint.h>

#if !defined(__CUDACC__)
#include "emulated_gpu.h"
#else

#define SHARED_BYTES(name) extern __shared__ __align__(1024) unsigned char name[]
#define LAUNCH(kernel, grid, threads, shared, stream, ...) \
    kernel<<<grid, threads, shared, stream>>>(__VA_ARGS__)

/* Four 8 x 8 matrices of 16-bit elements (8 rows of 16 bytes); lane 8 m + r points to row r of
 * matrix m. Register m then has bytes 4 (lane % 4) ... of row lane / 4 of matrix m. */
__device__ __forceinline__ void load_matrices(uint32_t out[4], const void *row) {
    const uint32_t address = (uint32_t)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address)
                 : "memory");
}

/* c += a b with a of 16 x 32 and b of 32 x 8 elements of e4m3. */
__device__ __forceinline__ void multiply_e4m3(float c[4], const uint32_t a[4],
                                              const uint32_t b[2]) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0, %1, %2, %3}, "
                 "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* c += a b with a of 16 x 16 and b of 16 x 8 elements of float16. */
__device__ __forceinline__ void multiply_float16(float c[4], const uint32_t a[4],
                                                 const uint32_t b[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
                 "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* Four e4m3 as float16, which has them all: the first two, and the others. */
__device__ __forceinline__ void widen_e4m3(uint32_t four, uint32_t &low, uint32_t &high) {
    asm("{.reg .b16 l, h; mov.b32 {l, h}, %2; cvt.rn.f16x2.e4m3x2 %0, l; "
        "cvt.rn.f16x2.e4m3x2 %1, h;}"
        : "=r"(low), "=r"(high)
        : "r"(four));
}

/* Begins the copy of 16 bytes to shared memory, or of zeros where there is nothing to copy. */
__device__ __forceinline__ void copy_async(void *to, const void *from, bool exists) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     (uint32_t)__cvta_generic_to_shared(to)),
                 "l"(from), "r"(exists ? 16 : 0)
                 : "memory");
}

/* The same of 4 bytes. */
__device__ __forceinline__ void copy_async_4(void *to, const void *from, bool exists) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(
                     (uint32_t)__cvta_generic_to_shared(to)),
                 "l"(from), "r"(exists ? 4 : 0)
                 : "memory");
}

__device__ __forceinline__ void copy_commit() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Until at most N of the groups that this thread committed are under way. */
template <int N> __device__ __forceinline__ void copy_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

/* Two floats as bfloat16, the first in the lower half. */
__device__ __forceinline__ uint32_t pack_bfloat16(float low, float high) {
    const __nv_bfloat162 two = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<const uint32_t *>(&two);
}

__device__ __forceinline__ uint16_t float16_bits(float value) {
    return __half_as_ushort(__float2half_rn(value));
}

#endif
#endif
