/* tensor_cores: products of 16-bit matrices by the instructions that every GPU since sm_80 has:
 * tiles of 16 x 8, 16 deep. In the fragments lane l has row l / 4 (and + 8) and columns 2 (l % 4) +
 * {0, 1} of a result, which makes the results of two neighbouring tiles a left operand without
 * moving anything. */
#ifndef BASELINE_TENSOR_CORES_H
#define BASELINE_TENSOR_CORES_H

#include "tracemill.h"

namespace {

/* Four 8 x 8 matrices; lane l has the address of row l % 8 of matrix l / 8. */
__device__ inline void load_matrices(uint32_t (&to)[4], const tm_bfloat16 *row) {
    const unsigned address = (unsigned)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address)
                 : "memory");
}

/* The same, each matrix transposed. */
__device__ inline void load_matrices_transposed(uint32_t (&to)[4], const tm_bfloat16 *row) {
    const unsigned address = (unsigned)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address)
                 : "memory");
}

/* sum += a * b */
__device__ inline void multiply_add(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0,
                                    uint32_t b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ inline uint32_t pack(float low, float high) {
    const __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
    uint32_t bits;
    memcpy(&bits, &both, sizeof bits);
    return bits;
}

/* Two neighbouring results as 16 columns of a left operand. */
__device__ inline void as_left(uint32_t (&a)[4], const float (&left)[4], const float (&right)[4]) {
    a[0] = pack(left[0], left[1]);
    a[1] = pack(left[2], left[3]);
    a[2] = pack(right[0], right[1]);
    a[3] = pack(right[2], right[3]);
}

/* A left operand from 16 rows in shared memory, `from` their first element. */
__device__ inline void load_left(uint32_t (&a)[4], const tm_bfloat16 *from, int stride) {
    const int lane = threadIdx.x % 32;
    load_matrices(a, from + lane % 16 * stride + lane / 16 * 8);
}

/* Right operands of two neighbouring tiles, 16 columns in all, from the transposed matrix: 16 rows,
 * 16 deep. The first is {b[0], b[1]}. */
__device__ inline void load_right(uint32_t (&b)[4], const tm_bfloat16 *from, int stride) {
    const int lane = threadIdx.x % 32;
    load_matrices(b, from + (lane / 16 * 8 + lane % 8) * stride + lane / 8 % 2 * 8);
}

/* The same from the matrix itself. */
__device__ inline void load_right_transposed(uint32_t (&b)[4], const tm_bfloat16 *from,
                                             int stride) {
    const int lane = threadIdx.x % 32;
    load_matrices_transposed(b, from + lane % 16 * stride + lane / 16 * 8);
}

} // namespace

#endif
