/* RMSNorm of hidden_states + residual on the GPU by as many blocks as fit at once, which walk over
 * the rows. A row is kept in the registers of a warp, of a part of one when it is short, or of the
 * block when it is long. The row length is known when this is compiled. */
#include "contract.h"

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

/* Both pairs added in float32. */
__device__ float2 sum(uint32_t x, uint32_t r) {
    return make_float2(low(x) + low(r), high(x) + high(r));
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

__device__ float squares(uint32_t x, uint32_t r) {
    const float2 both = sum(x, r);
    return both.x * both.x + both.y * both.y;
}

__device__ uint32_t scaled(uint32_t x, uint32_t r, uint32_t weight, float factor) {
    const float2 both = sum(x, r);
    const __nv_bfloat162 rounded =
        __floats2bfloat162_rn(both.x * factor * low(weight), both.y * factor * high(weight));
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    return bits;
}

__global__ void __launch_bounds__(threads)
    walk_rows(const uint4 *__restrict__ hidden_states, const uint4 *__restrict__ residual,
              const uint4 *__restrict__ weight, uint4 *__restrict__ output, int64_t rows) {
    constexpr int groups = threads / lanes;
    const int lane = threadIdx.x % lanes;
    int turn = 0;
    /* All threads of a block go round equally often: they meet in row_sum. */
    for (int64_t base = (int64_t)blockIdx.x * groups; base < rows;
         base += (int64_t)gridDim.x * groups, turn ^= 1) {
        const int64_t row = base + threadIdx.x / lanes;
        const int64_t begin = row * vectors + lane;
        uint4 x[depth], r[depth];
#pragma unroll
        for (int d = 0; d < depth; ++d) {
            const bool inside = row < rows && lane + d * lanes < vectors;
            x[d] = inside ? __ldcs(hidden_states + begin + d * lanes) : make_uint4(0, 0, 0, 0);
            r[d] = inside ? __ldcs(residual + begin + d * lanes) : make_uint4(0, 0, 0, 0);
        }
        float sum_of_squares = 0;
#pragma unroll
        for (int d = 0; d < depth; ++d)
            sum_of_squares += squares(x[d].x, r[d].x) + squares(x[d].y, r[d].y) +
                              squares(x[d].z, r[d].z) + squares(x[d].w, r[d].w);
        const float mean = row_sum(sum_of_squares, turn) / (float)TM_HIDDEN_SIZE;
        const float factor = rsqrtf(mean + (float)TM_EPS);
#pragma unroll
        for (int d = 0; d < depth; ++d) {
            if (row < rows && lane + d * lanes < vectors) {
                const uint4 w = __ldg(weight + lane + d * lanes);
                __stcs(output + begin + d * lanes, make_uint4(scaled(x[d].x, r[d].x, w.x, factor),
                                                              scaled(x[d].y, r[d].y, w.y, factor),
                                                              scaled(x[d].z, r[d].z, w.z, factor),
                                                              scaled(x[d].w, r[d].w, w.w, factor)));
            }
        }
    }
}

/* Blocks that fit on the current device at once, or 0 when that cannot be found out. */
int resident_blocks() {
    int device = 0, multiprocessors = 0, per_multiprocessor = 0;
    if (cudaGetDevice(&device) != cudaSuccess ||
        cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device) !=
            cudaSuccess ||
        cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_multiprocessor, walk_rows, threads, 0) !=
            cudaSuccess)
        return 0;
    return multiprocessors * per_multiprocessor;
}

bool is_aligned(const void *pointer) {
    return (uintptr_t)pointer % sizeof(uint4) == 0;
}

} // namespace

int TM_ENTRY(const tm_bfloat16 *hidden_states, const tm_bfloat16 *residual,
             const tm_bfloat16 *weight, tm_bfloat16 *output, const tm_axes *axes,
             tm_stream stream) {
    if (axes->batch_size == 0)
        return 0;
    if (!is_aligned(hidden_states) || !is_aligned(residual) || !is_aligned(weight) ||
        !is_aligned(output))
        return tm_fail(2, "expected tensors aligned to 16 bytes");
    static const int resident = resident_blocks();
    if (resident == 0)
        return tm_fail(3, "occupancy: %s", cudaGetErrorString(cudaGetLastError()));
    const int64_t wanted = (axes->batch_size + threads / lanes - 1) / (threads / lanes);
    const unsigned blocks = (unsigned)(wanted < resident ? wanted : resident);
    walk_rows<<<blocks, threads, 0, stream>>>(reinterpret_cast<const uint4 *>(hidden_states),
                                              reinterpret_cast<const uint4 *>(residual),
                                              reinterpret_cast<const uint4 *>(weight),
                                              reinterpret_cast<uint4 *>(output), axes->batch_size);
    const cudaError_t status = cudaGetLastError();
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}
