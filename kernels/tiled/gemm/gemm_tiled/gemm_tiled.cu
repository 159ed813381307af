/* C[M, N] = A[M, K] * B[N, K]^T on the tensor cores: tiles of both inputs in shared memory, filled
 * asynchronously a few steps ahead, 16 x 16 x 16 products accumulated in float32. Three tile sizes,
 * chosen so that there are enough tiles for the device. */
#include "contract.h"

#include <cuda_pipeline.h>
#include <mma.h>

#include <type_traits>

#ifndef STAGES
#define STAGES 3 /* of shared memory: so many steps less one are on their way */
#endif
#ifndef LARGE_COLUMNS
#define LARGE_COLUMNS 128 /* of the largest tile */
#endif

namespace {

using namespace nvcuda;

static_assert(std::is_same<tm_A_t, tm_B_t>::value, "A and B must have one element type");
constexpr int fragment = 16;    /* edge of a tensor core product */
constexpr int vector_elems = 8; /* in 16 bytes */
constexpr int padding = 8;      /* elements after a row of shared memory, against bank conflicts */
constexpr int warp_lanes = 32;
constexpr int stages = STAGES;
constexpr int group_rows = 8;                /* tile rows that are walked together, for the L2 */
constexpr int staging_stride = fragment + 4; /* of float32 accumulators on their way out */
constexpr int multiprocessors = 132;         /* of an H200; only the choice of tile depends on it */

struct problem {
    const tm_A_t *A;
    const tm_B_t *B;
    tm_C_t *C;
    int64_t M, N, K;
    bool vectors; /* K and N are multiples of 8, addresses of 16 bytes */
};

/* A block's tile of ROWS x COLUMNS, DEPTH of K at a time, shared out over WARPS_DOWN x WARPS_ACROSS
 * warps. */
template <int ROWS, int COLUMNS, int DEPTH, int WARPS_DOWN, int WARPS_ACROSS> struct tile {
    static constexpr int rows = ROWS, columns = COLUMNS, depth = DEPTH;
    static constexpr int warps_across = WARPS_ACROSS;
    static constexpr int threads = WARPS_DOWN * WARPS_ACROSS * warp_lanes;
    static constexpr int fragments_down = ROWS / WARPS_DOWN / fragment;
    static constexpr int fragments_across = COLUMNS / WARPS_ACROSS / fragment;
    static constexpr int stride = DEPTH + padding;
    static constexpr int stage_elems = (ROWS + COLUMNS) * stride;
    static constexpr int shared_bytes = stages * stage_elems * (int)sizeof(tm_A_t);
    static_assert(shared_bytes >=
                      threads / warp_lanes * fragment * staging_stride * (int)sizeof(float),
                  "the accumulators leave through the same memory");
};
using large = tile<128, LARGE_COLUMNS, 32, 2, 4>;
using medium = tile<64, 64, 64, 2, 2>;
using small = tile<32, 32, 128, 2, 2>;

/* Begins the copy of ROWS x T::depth elements at (row, k) of a [rows, depth] matrix to shared
 * memory; zero outside the matrix. */
template <typename T, int ROWS>
__device__ void fetch(tm_A_t *to, const tm_A_t *from, int64_t row, int64_t rows, int64_t k,
                      int64_t depth, bool vectors) {
    constexpr int per_row = T::depth / vector_elems;
    static_assert(ROWS * per_row % T::threads == 0, "every thread copies as much");
#pragma unroll
    for (int i = 0; i < ROWS * per_row / T::threads; ++i) {
        const int index = threadIdx.x + i * T::threads;
        const int r = index / per_row, c = index % per_row * vector_elems;
        tm_A_t *const target = to + r * T::stride + c;
        const bool inside = row + r < rows && k + c < depth;
        const tm_A_t *const source = inside ? from + (row + r) * depth + k + c : from;
        if (vectors) {
            __pipeline_memcpy_async(target, source, 16, inside ? 0 : 16);
        } else {
            for (int e = 0; e < vector_elems; ++e)
                target[e] = inside && k + c + e < depth ? source[e] : tm_A_t(0.0f);
        }
    }
}

/* One 16 x 16 fragment of C through this warp's shared memory. */
__device__ void leave(const problem &p, const float *staged, int64_t row, int64_t column) {
    const int lane = threadIdx.x % warp_lanes, at = lane % 2 * vector_elems;
    const float *const from = staged + lane / 2 * staging_stride + at;
    row += lane / 2;
    column += at;
    if (row >= p.M || column >= p.N)
        return;
    tm_C_t *const to = p.C + row * p.N + column;
    if (p.vectors) {
        alignas(16) tm_C_t rounded[vector_elems];
#pragma unroll
        for (int e = 0; e < vector_elems; ++e)
            rounded[e] = tm_C_t(from[e]);
        *reinterpret_cast<uint4 *>(to) = *reinterpret_cast<const uint4 *>(rounded);
        return;
    }
    for (int e = 0; e < vector_elems && column + e < p.N; ++e)
        to[e] = tm_C_t(from[e]);
}

template <typename T> __global__ void __launch_bounds__(T::threads) multiply(const problem p) {
    extern __shared__ __align__(128) unsigned char shared[];
    tm_A_t *const buffers = reinterpret_cast<tm_A_t *>(shared);

    const int64_t tile_rows = (p.M + T::rows - 1) / T::rows;
    const int64_t tile_columns = (p.N + T::columns - 1) / T::columns;
    const int64_t group = blockIdx.x / (group_rows * tile_columns);
    const int64_t in_group = blockIdx.x % (group_rows * tile_columns);
    const int64_t height = min((int64_t)group_rows, tile_rows - group * group_rows);
    const int64_t row = (group * group_rows + in_group % height) * T::rows;
    const int64_t column = in_group / height * T::columns;

    const int warp = threadIdx.x / warp_lanes;
    const int warp_row = warp / T::warps_across * T::fragments_down * fragment;
    const int warp_column = warp % T::warps_across * T::fragments_across * fragment;

    wmma::fragment<wmma::accumulator, fragment, fragment, fragment, float>
        sums[T::fragments_down][T::fragments_across];
#pragma unroll
    for (int i = 0; i < T::fragments_down; ++i) {
#pragma unroll
        for (int j = 0; j < T::fragments_across; ++j)
            wmma::fill_fragment(sums[i][j], 0.0f);
    }

    const int64_t steps = (p.K + T::depth - 1) / T::depth;
    const auto fetch_step = [&](int64_t step) {
        tm_A_t *const stage = buffers + step % stages * T::stage_elems;
        if (step < steps) {
            fetch<T, T::rows>(stage, p.A, row, p.M, step * T::depth, p.K, p.vectors);
            fetch<T, T::columns>(stage + T::rows * T::stride, p.B, column, p.N, step * T::depth,
                                 p.K, p.vectors);
        }
        __pipeline_commit();
    };
    for (int64_t step = 0; step < stages - 1; ++step)
        fetch_step(step);
    for (int64_t step = 0; step < steps; ++step) {
        __pipeline_wait_prior(stages - 2);
        /* This step's stage has come for all, and all are done with the last step's. */
        __syncthreads();
        fetch_step(step + stages - 1);
        const tm_A_t *const a = buffers + step % stages * T::stage_elems + warp_row * T::stride;
        const tm_A_t *const b =
            buffers + step % stages * T::stage_elems + (T::rows + warp_column) * T::stride;
#pragma unroll
        for (int k = 0; k < T::depth; k += fragment) {
            wmma::fragment<wmma::matrix_a, fragment, fragment, fragment, tm_A_t, wmma::row_major>
                left[T::fragments_down];
            wmma::fragment<wmma::matrix_b, fragment, fragment, fragment, tm_A_t, wmma::col_major>
                right[T::fragments_across];
#pragma unroll
            for (int i = 0; i < T::fragments_down; ++i)
                wmma::load_matrix_sync(left[i], a + i * fragment * T::stride + k, T::stride);
#pragma unroll
            for (int j = 0; j < T::fragments_across; ++j)
                wmma::load_matrix_sync(right[j], b + j * fragment * T::stride + k, T::stride);
#pragma unroll
            for (int i = 0; i < T::fragments_down; ++i) {
#pragma unroll
                for (int j = 0; j < T::fragments_across; ++j)
                    wmma::mma_sync(sums[i][j], left[i], right[j], sums[i][j]);
            }
        }
    }
    __pipeline_wait_prior(0);
    __syncthreads();

    float *const staged = reinterpret_cast<float *>(shared) + warp * fragment * staging_stride;
#pragma unroll
    for (int i = 0; i < T::fragments_down; ++i) {
#pragma unroll
        for (int j = 0; j < T::fragments_across; ++j) {
            wmma::store_matrix_sync(staged, sums[i][j], staging_stride, wmma::mem_row_major);
            __syncwarp();
            leave(p, staged, row + warp_row + i * fragment, column + warp_column + j * fragment);
            __syncwarp();
        }
    }
}

template <typename T> int64_t tiles(const problem &p) {
    return ((p.M + T::rows - 1) / T::rows) * ((p.N + T::columns - 1) / T::columns);
}

template <typename T> cudaError_t launch(const problem &p, cudaStream_t stream) {
    if (tiles<T>(p) > INT32_MAX)
        return cudaErrorInvalidConfiguration;
    const cudaError_t status = cudaFuncSetAttribute(
        multiply<T>, cudaFuncAttributeMaxDynamicSharedMemorySize, T::shared_bytes);
    if (status != cudaSuccess)
        return status;
    multiply<T><<<(unsigned)tiles<T>(p), T::threads, T::shared_bytes, stream>>>(p);
    return cudaGetLastError();
}

bool is_aligned(const void *pointer) {
    return (uintptr_t)pointer % 16 == 0;
}

} // namespace

int TM_ENTRY(const tm_A_t *A, const tm_B_t *B, tm_C_t *C, const tm_axes *axes, tm_stream stream) {
    if (axes->M == 0 || axes->N == 0)
        return 0;
    const bool vectors = axes->N % vector_elems == 0 && axes->K % vector_elems == 0 &&
                         is_aligned(A) && is_aligned(B) && is_aligned(C);
    const problem p = {A, B, C, axes->M, axes->N, axes->K, vectors};
    const cudaError_t status = p.M <= small::rows                  ? launch<small>(p, stream)
                               : tiles<large>(p) < multiprocessors ? launch<medium>(p, stream)
                                                                   : launch<large>(p, stream);
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}
