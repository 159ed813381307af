/* rmsnorm_rows: RMSNorm on the GPU, of one tensor or of the sum of several (TERMS), by as many
 * blocks as fit at once, which walk over the rows. A row is kept in the registers of a warp, of a
 * part of one when it is short, or of the block when it is long. The row length is known when this
 * is compiled: contract.h comes first. */
#ifndef TILED_RMSNORM_ROWS_H
#define TILED_RMSNORM_ROWS_H

#include "tracemill.h"

namespace {

constexpr int vector_elems = 8; /* bfloat16 in 16 bytes */
constexpr int warp_lanes = 32;
constexpr int threads = 128;
constexpr int most_depth = 8; /* vectors that a lane of a warp may keep */
constexpr int vectors = TM_HIDDEN_SIZE / vector_elems;
static_assert(TM_HIDDEN_SIZE % vector_elems == 0 && vectors >= 1 && vectors <= 1024,
              "hidden_size must be a multiple of 8 from 8 to 8192: a row must fit in registers");

/* Lanes of a row: a power of two, or the block when a warp's would keep too much. */
constexpr int lanes_for(int wanted) {
    int lanes = 1;
    if (wanted > most_depth * warp_lanes)
        return threads;
    while (lanes < wanted && lanes < warp_lanes)
        lanes *= 2;
    return lanes;
}
constexpr int lanes = lanes_for(vectors);
constexpr int depth = (vectors + lanes - 1) / lanes; /* vectors of a lane */

__device__ float low(uint32_t pair) {
    return __uint_as_float(pair << 16);
}

__device__ float high(uint32_t pair) {
    return __uint_as_float(pair & 0xffff0000u);
}

/* The sum over a row's lanes, in each of them; `turn` alternates between calls, so that no thread
 * writes where another still reads. */
__device__ float row_sum(float value, int turn) {
#pragma unroll
    for (int distance = min(lanes, warp_lanes) / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    if constexpr (lanes > warp_lanes) {
        __shared__ float warp_sums[2][threads / warp_lanes];
        if (threadIdx.x % warp_lanes == 0)
            warp_sums[turn][threadIdx.x / warp_lanes] = value;
        __syncthreads();
        value = 0;
#pragma unroll
        for (int warp = 0; warp < lanes / warp_lanes; ++warp)
            value += warp_sums[turn][warp];
    } else {
        (void)turn;
    }
    return value;
}

/* A vector of each term, which are added in float32. */
template <int TERMS> struct vector {
    uint4 x[TERMS];
    typedef uint32_t uint4::*pair; /* one of its four pairs */

    __device__ float2 sum(pair at) const {
        float2 both = make_float2(low(x[0].*at), high(x[0].*at));
#pragma unroll
        for (int t = 1; t < TERMS; ++t)
            both = make_float2(both.x + low(x[t].*at), both.y + high(x[t].*at));
        return both;
    }
    __device__ float squares(pair at) const {
        const float2 both = sum(at);
        return both.x * both.x + both.y * both.y;
    }
    __device__ uint32_t scaled(pair at, const uint4 &weight, float factor) const {
        const float2 both = sum(at);
        const __nv_bfloat162 rounded = __floats2bfloat162_rn(both.x * factor * low(weight.*at),
                                                             both.y * factor * high(weight.*at));
        uint32_t bits;
        memcpy(&bits, &rounded, sizeof bits);
        return bits;
    }
};

template <int TERMS> struct problem {
    const tm_bfloat16 *terms[TERMS];
    const tm_bfloat16 *weight;
    tm_bfloat16 *output;
    int64_t rows;
};

__device__ const uint4 *vectors_of(const tm_bfloat16 *elements) {
    return reinterpret_cast<const uint4 *>(elements);
}

template <int TERMS> __global__ void __launch_bounds__(threads) walk_rows(const problem<TERMS> p) {
    constexpr int groups = threads / lanes;
    const int lane = threadIdx.x % lanes;
    int turn = 0;
    /* All threads of a block go round equally often: they meet in row_sum. */
    for (int64_t base = (int64_t)blockIdx.x * groups; base < p.rows;
         base += (int64_t)gridDim.x * groups, turn ^= 1) {
        const int64_t row = base + threadIdx.x / lanes;
        const int64_t begin = row * vectors + lane;
        vector<TERMS> x[depth];
#pragma unroll
        for (int d = 0; d < depth; ++d) {
            const bool inside = row < p.rows && lane + d * lanes < vectors;
#pragma unroll
            for (int t = 0; t < TERMS; ++t)
                x[d].x[t] = inside ? __ldcs(vectors_of(p.terms[t]) + begin + d * lanes)
                                   : make_uint4(0, 0, 0, 0);
        }
        float sum_of_squares = 0;
#pragma unroll
        for (int d = 0; d < depth; ++d)
            sum_of_squares += x[d].squares(&uint4::x) + x[d].squares(&uint4::y) +
                              x[d].squares(&uint4::z) + x[d].squares(&uint4::w);
        const float mean = row_sum(sum_of_squares, turn) / (float)TM_HIDDEN_SIZE;
        const float factor = rsqrtf(mean + (float)TM_EPS);
#pragma unroll
        for (int d = 0; d < depth; ++d) {
            if (row < p.rows && lane + d * lanes < vectors) {
                const uint4 w = __ldg(vectors_of(p.weight) + lane + d * lanes);
                __stcs(reinterpret_cast<uint4 *>(p.output) + begin + d * lanes,
                       make_uint4(
                           x[d].scaled(&uint4::x, w, factor), x[d].scaled(&uint4::y, w, factor),
                           x[d].scaled(&uint4::z, w, factor), x[d].scaled(&uint4::w, w, factor)));
            }
        }
    }
}

/* Blocks that fit on the current device at once, or 0 when that cannot be found out. */
template <int TERMS> int resident_blocks() {
    int device = 0, multiprocessors = 0, per_multiprocessor = 0;
    if (cudaGetDevice(&device) != cudaSuccess ||
        cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device) !=
            cudaSuccess ||
        cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_multiprocessor, walk_rows<TERMS>,
                                                      threads, 0) != cudaSuccess)
        return 0;
    return multiprocessors * per_multiprocessor;
}

bool is_aligned(const void *pointer) {
    return (uintptr_t)pointer % sizeof(uint4) == 0;
}

template <int TERMS> int normalise(const problem<TERMS> &p, cudaStream_t stream) {
    if (p.rows == 0)
        return 0;
    bool aligned = is_aligned(p.weight) && is_aligned(p.output);
    for (const tm_bfloat16 *term : p.terms)
        aligned = aligned && is_aligned(term);
    if (!aligned)
        return tm_fail(2, "expected tensors aligned to 16 bytes");
    static const int resident = resident_blocks<TERMS>();
    if (resident == 0)
        return tm_fail(3, "occupancy: %s", cudaGetErrorString(cudaGetLastError()));
    const int64_t wanted = (p.rows + threads / lanes - 1) / (threads / lanes);
    const unsigned blocks = (unsigned)(wanted < resident ? wanted : resident);
    walk_rows<TERMS><<<blocks, threads, 0, stream>>>(p);
    const cudaError_t status = cudaGetLastError();
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}

} // namespace

#endif
