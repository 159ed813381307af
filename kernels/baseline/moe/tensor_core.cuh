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

/* c += a b with a of 16 x 16 and b of 16 x 8 elements of bfloat16. */
__device__ __forceinline__ void multiply_bfloat16(float c[4], const uint32_t a[4],
                                                  const uint32_t b[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
                 "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* Each of two bfloat16 times 2^120, exactly where the product is a number. */
__device__ __forceinline__ uint32_t raise_bfloat16(uint32_t two) {
    uint32_t out;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(out) : "r"(two), "r"(0x7b807b80u), "r"(0x80008000u));
    return out;
}

/* Bytes of x (0 to 3) and y (4 to 7), one per digit of `which`, the lowest first. */
__device__ __forceinline__ uint32_t pick_bytes(uint32_t x, uint32_t y, uint32_t which) {
    return __byte_perm(x, y, which);
}

/* Begins the copy of 16 bytes to shared memory, or of zeros where there is nothing to copy. */
__device__ __forceinline__ void copy_async(void *to, const void *from, bool exists) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     (uint32_t)__cvta_generic_to_shared(to)),
                 "l"(from), "r"(exists ? 16 : 0)
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

#endif
#endif
