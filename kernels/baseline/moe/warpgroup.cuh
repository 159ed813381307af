/* warpgroup: products of four warps that share their operands, D (64 x N) = A (64 x 128 bytes)
 * times the transpose of B (N x 128 bytes). Rows of 128 bytes lie in shared memory as chunk_at()
 * says, from an address that is a multiple of 1024. Lane l of warp w has D's rows 16 w + l / 4 and
 * 8 more, and of each eight columns 2 (l % 4) and the next: [8 columns][row, row, row + 8, row +
 * 8].
 *
 * On sm_90a by wgmma, which runs beside what follows: group_open, products, group_commit; D and the
 * registers of A are the tensor cores' until group_wait. Elsewhere by mma.sync, at once. (sm_90 has
 * no mma.sync of e4m3: the compiler widens to float16 and takes twice the time.) */
#ifndef TM_BASELINE_WARPGROUP_CUH
#define TM_BASELINE_WARPGROUP_CUH

#include "tensor_core.cuh"

namespace {

constexpr int line = 128; /* bytes of a row of shared memory: eight chunks of 16 */

/* Where a chunk of 16 bytes of a row lies in shared memory: eight rows that are read at once lie in
 * different banks. It is what wgmma calls a swizzle of 128 bytes. */
__device__ __forceinline__ int chunk_at(int row, int chunk) {
    return row * line + ((chunk ^ (row & 7)) << 4);
}

/* Fragments of 16 rows x 32 bytes and of 16 columns x 32 bytes; `chunk` is even. */
__device__ __forceinline__ void load_rows(uint32_t out[4], const unsigned char *from, int row,
                                          int chunk) {
    const int lane = (int)threadIdx.x % 32;
    const unsigned char *const first = from + chunk_at(row + lane % 16, lane / 16);
    load_matrices(out, reinterpret_cast<const void *>(reinterpret_cast<uintptr_t>(first) ^
                                                      (uintptr_t)(chunk << 4)));
}

__device__ __forceinline__ void load_columns(uint32_t out[4], const unsigned char *from, int row,
                                             int chunk) {
    const int lane = (int)threadIdx.x % 32;
    load_matrices(out, from + chunk_at(row + lane % 8 + lane / 16 * 8, chunk + lane / 8 % 2));
}

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

/* What was copied to shared memory by this thread, for the tensor cores of those behind the next
 * barrier. */
__device__ __forceinline__ void publish_shared() {
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/* Rows of 128 bytes, eight of them 1024 apart from the next eight, swizzled. */
__device__ __forceinline__ uint64_t describe(const unsigned char *rows) {
    const uint64_t address = (uint64_t)(uint32_t)__cvta_generic_to_shared(rows);
    return (address & 0x3ffff) >> 4 | 1ull << 16 | 64ull << 32 | 1ull << 62;
}

__device__ __forceinline__ void group_open() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

__device__ __forceinline__ void group_commit() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/* Until at most LEFT of the groups are under way; `of`: what the others have made. */
template <int LEFT, int N> __device__ __forceinline__ void group_wait(float (&of)[N][4]) {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LEFT) : "memory");
#pragma unroll
    for (int j = 0; j < N; ++j)
        asm volatile("" : "+f"(of[j][0]), "+f"(of[j][1]), "+f"(of[j][2]), "+f"(of[j][3])::"memory");
}

#define FOUR(d, j) "+f"(d[j][0]), "+f"(d[j][1]), "+f"(d[j][2]), "+f"(d[j][3])
#define SIXTEEN(d, j) FOUR(d, j), FOUR(d, j + 1), FOUR(d, j + 2), FOUR(d, j + 3)
#define REGISTERS_8 "{%0, %1, %2, %3, %4, %5, %6, %7}"
#define REGISTERS_32                                                                              \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, " \
    "%20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}"
#define REGISTERS_64                                                                              \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, " \
    "%20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, "  \
    "%38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, "  \
    "%56, %57, %58, %59, %60, %61, %62, %63}"

/* 32 bytes of e4m3 per row, both operands in shared memory. */
#define E4M3(n, d, a, b, more)                                                        \
    "{.reg .pred p; setp.ne.b32 p, %" more ", 0; wgmma.mma_async.sync.aligned.m64n" n \
    "k32.f32.e4m3.e4m3 " d ", %" a ", %" b ", p, 1, 1;}"
__device__ __forceinline__ void begin_e4m3(float (&d)[2][4], uint64_t a, uint64_t b, int more) {
    asm volatile(E4M3("16", REGISTERS_8, "8", "9", "10")
                 : FOUR(d, 0), FOUR(d, 1)
                 : "l"(a), "l"(b), "r"(more));
}
__device__ __forceinline__ void begin_e4m3(float (&d)[8][4], uint64_t a, uint64_t b, int more) {
    asm volatile(E4M3("64", REGISTERS_32, "32", "33", "34")
                 : SIXTEEN(d, 0), SIXTEEN(d, 4)
                 : "l"(a), "l"(b), "r"(more));
}
__device__ __forceinline__ void begin_e4m3(float (&d)[16][4], uint64_t a, uint64_t b, int more) {
    asm volatile(E4M3("128", REGISTERS_64, "64", "65", "66")
                 : SIXTEEN(d, 0), SIXTEEN(d, 4), SIXTEEN(d, 8), SIXTEEN(d, 12)
                 : "l"(a), "l"(b), "r"(more));
}

/* 16 float16 per row, A in registers. */
#define FLOAT16(n, d, a, b, more)                                                     \
    "{.reg .pred p; setp.ne.b32 p, %" more ", 0; wgmma.mma_async.sync.aligned.m64n" n \
    "k16.f32.f16.f16 " d ", " a ", %" b ", p, 1, 1, 0;}"
__device__ __forceinline__ void begin_float16(float (&d)[2][4], const uint32_t a[4], uint64_t b,
                                              int more) {
    asm volatile(FLOAT16("16", REGISTERS_8, "{%8, %9, %10, %11}", "12", "13")
                 : FOUR(d, 0), FOUR(d, 1)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(more));
}
__device__ __forceinline__ void begin_float16(float (&d)[8][4], const uint32_t a[4], uint64_t b,
                                              int more) {
    asm volatile(FLOAT16("64", REGISTERS_32, "{%32, %33, %34, %35}", "36", "37")
                 : SIXTEEN(d, 0), SIXTEEN(d, 4)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(more));
}
__device__ __forceinline__ void begin_float16(float (&d)[16][4], const uint32_t a[4], uint64_t b,
                                              int more) {
    asm volatile(FLOAT16("128", REGISTERS_64, "{%64, %65, %66, %67}", "68", "69")
                 : SIXTEEN(d, 0), SIXTEEN(d, 4), SIXTEEN(d, 8), SIXTEEN(d, 12)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(more));
}
#undef FOUR
#undef SIXTEEN
#undef REGISTERS_8
#undef REGISTERS_32
#undef REGISTERS_64
#undef E4M3
#undef FLOAT16

/* A and B of e4m3. */
template <int N>
__device__ __forceinline__ void group_multiply(float (&d)[N][4], const unsigned char *a,
                                               const unsigned char *b) {
    const uint64_t rows = describe(a), columns = describe(b);
#pragma unroll
    for (int k = 0; k < 4; ++k)
        begin_e4m3(d, rows + 2 * k, columns + 2 * k, k);
}

/* A and B of float16; of A this lane's fragments. */
template <int N>
__device__ __forceinline__ void group_multiply(float (&d)[N][4], const uint32_t (&a)[4][4],
                                               const unsigned char *b) {
    const uint64_t columns = describe(b);
#pragma unroll
    for (int k = 0; k < 4; ++k)
        begin_float16(d, a[k], columns + 2 * k, k);
}

#else

/* A and B of e4m3. */
template <int N>
__device__ __forceinline__ void multiply_now(float (&d)[N][4], const unsigned char *a,
                                             const unsigned char *b) {
    memset(d, 0, sizeof d);
#pragma unroll(N >= 8 ? 1 : 4) /* registers run out */
    for (int k = 0; k < 8; k += 2) {
        uint32_t rows[4];
        load_rows(rows, a, (int)threadIdx.x / 32 % 4 * 16, k);
#pragma unroll
        for (int j = 0; j < N; j += 2) {
            uint32_t two[4];
            load_columns(two, b, j * 8, k);
            multiply_e4m3(d[j], rows, two);
            multiply_e4m3(d[j + 1], rows, two + 2);
        }
    }
}

/* A and B of float16; of A this lane's fragments. */
template <int N>
__device__ __forceinline__ void multiply_now(float (&d)[N][4], const uint32_t (&a)[4][4],
                                             const unsigned char *b) {
    memset(d, 0, sizeof d);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
#pragma unroll
        for (int j = 0; j < N; j += 2) {
            uint32_t two[4];
            load_columns(two, b, j * 8, 2 * k);
            multiply_float16(d[j], a[k], two);
            multiply_float16(d[j + 1], a[k], two + 2);
        }
    }
}

#if defined(__CUDACC__)
__device__ __forceinline__ void publish_shared() {
}
__device__ __forceinline__ void group_open() {
}
__device__ __forceinline__ void group_commit() {
}
template <int LEFT, int N> __device__ __forceinline__ void group_wait(float (&)[N][4]) {
}
template <int N, typename A>
__device__ __forceinline__ void group_multiply(float (&d)[N][4], const A &a,
                                               const unsigned char *b) {
    multiply_now(d, a, b);
}
#endif
#endif

} // namespace

#if !defined(__CUDACC__)
#include "emulated_warpgroup.h"
#endif

#endif
