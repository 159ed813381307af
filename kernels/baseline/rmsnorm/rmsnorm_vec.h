/* rmsnorm_vec: RMSNorm of x on the GPU, near the memory's limit, where x is one tensor or the sum
 * of several (TERMS). 16-byte accesses, every element read once and kept in registers, all loads of
 * a thread in flight before the first is used. Very short rows share a warp. Others get a warp each
 * when there are enough rows to fill the device, because the device starts blocks only so fast;
 * else, and when they are long, a block each: of few threads with DEPTH vectors, or of many threads
 * with one vector when latency counts. */
#ifndef BASELINE_RMSNORM_VEC_H
#define BASELINE_RMSNORM_VEC_H

#include "tracemill.h"

namespace {

constexpr int vector_elems = 8; /* bfloat16 in 16 bytes */
constexpr int warp_lanes = 32;
constexpr int most_threads = 1024;
constexpr int few_rows = 264; /* two per multiprocessor of an H200 */

template <int TERMS> struct problem {
    const tm_bfloat16 *terms[TERMS];
    const tm_bfloat16 *weight;
    tm_bfloat16 *output;
    int64_t rows;
    int elems; /* of a row */
    float eps;

    __device__ float element(int64_t at) const {
        float sum = __bfloat162float(terms[0][at]);
#pragma unroll
        for (int t = 1; t < TERMS; ++t)
            sum += __bfloat162float(terms[t][at]);
        return sum;
    }
    __device__ float inverse_rms(float sum_of_squares) const {
        return rsqrtf(sum_of_squares / (float)elems + eps);
    }
};

/* Past the L1, which keeps the weights. */
__device__ uint4 load_once(const tm_bfloat16 *from) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(from));
    return v;
}

__device__ uint4 load_kept(const tm_bfloat16 *from) {
    return __ldg(reinterpret_cast<const uint4 *>(from));
}

__device__ float low(uint32_t pair) {
    return __uint_as_float(pair << 16);
}

__device__ float high(uint32_t pair) {
    return __uint_as_float(pair & 0xffff0000u);
}

/* What a thread keeps of one vector of each term; their sum is formed in float32 when used. */
template <int TERMS> struct values {
    uint4 x[TERMS];

    __device__ void load(const problem<TERMS> &p, int64_t at) {
#pragma unroll
        for (int t = 0; t < TERMS; ++t)
            x[t] = load_once(p.terms[t] + at);
    }
    __device__ void clear() {
#pragma unroll
        for (int t = 0; t < TERMS; ++t)
            x[t] = make_uint4(0, 0, 0, 0);
    }
    __device__ float sum_of_squares() const {
        return squares(&uint4::x) + squares(&uint4::y) + squares(&uint4::z) + squares(&uint4::w);
    }
    __device__ void store(const uint4 &weight, float factor, tm_bfloat16 *to) const {
        __stcs(reinterpret_cast<uint4 *>(to),
               make_uint4(scaled(&uint4::x, weight, factor), scaled(&uint4::y, weight, factor),
                          scaled(&uint4::z, weight, factor), scaled(&uint4::w, weight, factor)));
    }

  private:
    typedef uint32_t uint4::*pair; /* one of the four pairs of a vector */

    __device__ float even(pair at) const {
        float sum = low(x[0].*at);
#pragma unroll
        for (int t = 1; t < TERMS; ++t)
            sum += low(x[t].*at);
        return sum;
    }
    __device__ float odd(pair at) const {
        float sum = high(x[0].*at);
#pragma unroll
        for (int t = 1; t < TERMS; ++t)
            sum += high(x[t].*at);
        return sum;
    }
    __device__ float squares(pair at) const {
        return even(at) * even(at) + odd(at) * odd(at);
    }
    __device__ uint32_t scaled(pair at, const uint4 &weight, float factor) const {
        const __nv_bfloat162 both = __floats2bfloat162_rn(even(at) * factor * low(weight.*at),
                                                          odd(at) * factor * high(weight.*at));
        uint32_t bits;
        memcpy(&bits, &both, sizeof bits);
        return bits;
    }
};

/* The sum over LANES neighbouring lanes, in each of them. */
template <int LANES> __device__ float lanes_sum(float value) {
#pragma unroll
    for (int distance = LANES / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    return value;
}

/* The sum over the block, in every thread; to be called once. */
__device__ float block_sum(float value) {
    __shared__ float warp_sums[most_threads / warp_lanes];
    const int lane = threadIdx.x % warp_lanes;
    value = lanes_sum<warp_lanes>(value);
    if (lane == 0)
        warp_sums[threadIdx.x / warp_lanes] = value;
    __syncthreads();
    return lanes_sum<warp_lanes>(lane < (int)blockDim.x / warp_lanes ? warp_sums[lane] : 0.0f);
}

template <int TERMS, int DEPTH>
__global__ void __launch_bounds__(most_threads / DEPTH) row_per_block(const problem<TERMS> p) {
    const int64_t begin = (int64_t)blockIdx.x * p.elems;
    const int first = threadIdx.x * vector_elems, step = blockDim.x * vector_elems;
    values<TERMS> kept[DEPTH];
    uint4 weights[DEPTH];
#pragma unroll
    for (int d = 0; d < DEPTH; ++d) {
        if (first + d * step < p.elems)
            kept[d].load(p, begin + first + d * step);
        else
            kept[d].clear();
    }
#pragma unroll
    for (int d = 0; d < DEPTH; ++d) {
        if (first + d * step < p.elems)
            weights[d] = load_kept(p.weight + first + d * step);
    }
    float squares = 0;
#pragma unroll
    for (int d = 0; d < DEPTH; ++d)
        squares += kept[d].sum_of_squares();
    const float factor = p.inverse_rms(block_sum(squares));
#pragma unroll
    for (int d = 0; d < DEPTH; ++d) {
        if (first + d * step < p.elems)
            kept[d].store(weights[d], factor, p.output + begin + first + d * step);
    }
}

constexpr int shared_threads = 256;

/* LANES threads per row of at most LANES * DEPTH vectors; each does ROWS rows, the block's groups
 * side by side. */
template <int TERMS, int LANES, int DEPTH, int ROWS>
__global__ void __launch_bounds__(shared_threads) rows_in_warps(const problem<TERMS> p) {
    constexpr int groups = shared_threads / LANES, step = LANES * vector_elems;
    const int at = threadIdx.x % LANES * vector_elems;
    const int64_t first = (int64_t)blockIdx.x * (groups * ROWS) + threadIdx.x / LANES;
    values<TERMS> kept[ROWS][DEPTH];
    uint4 weights[DEPTH];
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
        const int64_t row = first + r * groups;
#pragma unroll
        for (int d = 0; d < DEPTH; ++d) {
            if (at + d * step < p.elems && row < p.rows)
                kept[r][d].load(p, row * p.elems + at + d * step);
            else
                kept[r][d].clear();
        }
    }
#pragma unroll
    for (int d = 0; d < DEPTH; ++d) {
        if (at + d * step < p.elems)
            weights[d] = load_kept(p.weight + at + d * step);
    }
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
        const int64_t row = first + r * groups;
        float squares = 0;
#pragma unroll
        for (int d = 0; d < DEPTH; ++d)
            squares += kept[r][d].sum_of_squares();
        const float factor = p.inverse_rms(lanes_sum<LANES>(squares));
#pragma unroll
        for (int d = 0; d < DEPTH; ++d) {
            if (at + d * step < p.elems && row < p.rows)
                kept[r][d].store(weights[d], factor, p.output + row * p.elems + at + d * step);
        }
    }
}

/* Any row length, any alignment; reads its row twice. */
template <int TERMS>
__global__ void __launch_bounds__(shared_threads) any_row(const problem<TERMS> p) {
    const int64_t begin = (int64_t)blockIdx.x * p.elems;
    float squares = 0;
    for (int i = threadIdx.x; i < p.elems; i += blockDim.x) {
        const float x = p.element(begin + i);
        squares += x * x;
    }
    const float factor = p.inverse_rms(block_sum(squares));
    for (int i = threadIdx.x; i < p.elems; i += blockDim.x) {
        const float x = p.element(begin + i);
        p.output[begin + i] = __float2bfloat16_rn(x * factor * __bfloat162float(p.weight[i]));
    }
}

template <int DEPTH, int TERMS> void launch_blocks(const problem<TERMS> &p, cudaStream_t stream) {
    const int lanes = (p.elems / vector_elems + DEPTH - 1) / DEPTH;
    const int threads = (lanes + warp_lanes - 1) / warp_lanes * warp_lanes;
    row_per_block<TERMS, DEPTH><<<(unsigned)p.rows, threads, 0, stream>>>(p);
}

template <int LANES, int DEPTH, int ROWS, int TERMS>
void launch_warps(const problem<TERMS> &p, cudaStream_t stream) {
    constexpr int rows = shared_threads / LANES * ROWS;
    const unsigned blocks = (unsigned)((p.rows + rows - 1) / rows);
    rows_in_warps<TERMS, LANES, DEPTH, ROWS><<<blocks, shared_threads, 0, stream>>>(p);
}

/* A row of at most LANES vectors. */
template <int LANES, int TERMS> void launch_short(const problem<TERMS> &p, cudaStream_t stream) {
    constexpr int depth = 4;
    if (p.rows < few_rows * (shared_threads / LANES) * depth)
        launch_warps<LANES, 1, 1>(p, stream);
    else
        launch_warps<LANES, 1, depth>(p, stream);
}

bool is_aligned(const void *pointer) {
    return (uintptr_t)pointer % sizeof(uint4) == 0;
}

/* Launches the kernel for the rows' length and number; all of a problem but its length in elements,
 * which may be more than a kernel takes. */
template <int TERMS> int normalise(problem<TERMS> p, int64_t elems, cudaStream_t stream) {
    if (p.rows == 0 || elems == 0)
        return 0;
    if (p.rows > INT32_MAX || elems > INT32_MAX / 2)
        return tm_fail(2, "%lld rows of %lld elements: at most 2^31 - 1 and 2^30",
                       (long long)p.rows, (long long)elems);
    p.elems = (int)elems;
    const int64_t vectors = elems / vector_elems;
    bool aligned = is_aligned(p.weight) && is_aligned(p.output);
    for (const tm_bfloat16 *term : p.terms)
        aligned = aligned && is_aligned(term);
    if (elems % vector_elems != 0 || !aligned || vectors > most_threads)
        any_row<<<(unsigned)p.rows, shared_threads, 0, stream>>>(p);
    else if (vectors <= 8)
        launch_short<8>(p, stream);
    else if (vectors <= 16)
        launch_short<16>(p, stream);
    else if (vectors <= warp_lanes)
        launch_short<warp_lanes>(p, stream);
    else if (p.rows <= few_rows)
        launch_blocks<1>(p, stream);
    else if (vectors > 16 * warp_lanes)
        launch_blocks<(TERMS == 1 ? 8 : 4)>(p, stream); /* as registers allow */
    else if (p.rows < few_rows * (shared_threads / warp_lanes) || vectors > 8 * warp_lanes)
        launch_blocks<4>(p, stream);
    else if (vectors <= 2 * warp_lanes)
        launch_warps<warp_lanes, 2, 2>(p, stream);
    else if (vectors <= 4 * warp_lanes)
        launch_warps<warp_lanes, 4, 1>(p, stream);
    else if (vectors <= 6 * warp_lanes)
        launch_warps<warp_lanes, 6, 1>(p, stream);
    else
        launch_warps<warp_lanes, 8, 1>(p, stream);
    const cudaError_t status = cudaGetLastError();
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}

} // namespace

#endif
