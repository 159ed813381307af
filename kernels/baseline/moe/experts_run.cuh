/* experts_run: choosing by a warp per token, and the passes over the experts.
 *
 * Included behind contract.h; a family adds the kernel that chooses. */
#ifndef TM_BASELINE_EXPERTS_RUN_CUH
#define TM_BASELINE_EXPERTS_RUN_CUH

#include "experts_products.cuh"

namespace {

constexpr int route_warps = 4;
constexpr int64_t pass_tokens = 8192; /* as many at a time: bounds the workspace */

__device__ __forceinline__ float bfloat16_at(const void *base, int64_t index) {
    return bits_float((uint32_t) static_cast<const uint16_t *>(base)[index] << 16);
}

/* Larger for a larger score, and among equal ones for the smaller index. */
__device__ __forceinline__ uint64_t key_of(float score, int index) {
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    bits ^= bits >> 31 ? 0xffffffffu : 0x80000000u;
    return (uint64_t)bits << 32 | (uint32_t)~index;
}

__device__ __forceinline__ float warp_sum(float value) {
    for (int distance = lanes / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(all_lanes, value, distance);
    return value;
}

/* The index of the best of scores[0, count), in every lane; takes it out. */
__device__ __forceinline__ int take_best(float *scores, int count, int lane) {
    uint64_t best = 0;
    for (int i = lane; i < count; i += lanes) {
        const uint64_t key = key_of(scores[i], i);
        best = key > best ? key : best;
    }
    for (int distance = lanes / 2; distance > 0; distance /= 2) {
        const uint64_t other = __shfl_xor_sync(all_lanes, best, distance);
        best = other > best ? other : best;
    }
    const int index = (int)~(uint32_t)best;
    __syncwarp();
    if (lane == 0)
        scores[index] = -INFINITY;
    __syncwarp();
    return index;
}

/* Takes the best top_k; lane k has the k-th, the other lanes -1. */
__device__ __forceinline__ int choose(float *scores, int count, int top_k, int lane) {
    int own = -1;
    for (int k = 0; k < top_k; ++k) {
        const int index = take_best(scores, count, lane);
        own = lane == k ? index : own;
    }
    return own;
}

/* Hands in what lane k chose. */
__device__ __forceinline__ void hand_in(const experts &job, int64_t token, int lane, int here,
                                        float weight) {
    if (lane >= job.top_k)
        return;
    const int64_t slot = token * job.top_k + lane;
    const bool is_here = here >= 0 && here < job.local_experts;
    job.expert[slot] = is_here ? here : -1;
    job.weight[slot] = weight;
    job.position[slot] = is_here ? atomicAdd(&job.count[here], 1) : 0;
}

struct workspace {
    void *memory;
    size_t bytes;
};

/* At least `bytes`; the same memory at each call. */
inline char *take_workspace(size_t bytes) {
    static workspace held;
    if (bytes <= held.bytes)
        return static_cast<char *>(held.memory);
    (void)cudaFree(held.memory);
    held.memory = nullptr;
    held.bytes = cudaMalloc(&held.memory, bytes) == cudaSuccess ? bytes : 0;
    return held.bytes ? static_cast<char *>(held.memory) : nullptr;
}

inline int64_t most_tiles(const experts &job, int rows) {
    const int64_t slots = job.tokens * job.top_k;
    return slots / rows + (job.local_experts < slots ? job.local_experts : slots);
}

/* Gives each piece its place behind `base`; returns the bytes. */
inline size_t lay_out(experts &job, char *base) {
    const int64_t slots = job.tokens * job.top_k;
    size_t bytes = 0;
    const auto place = [&](auto *&pointer, int64_t elems) {
        pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(base + bytes);
        bytes += ((size_t)elems * sizeof *pointer + 255) / 256 * 256;
    };
    place(job.expert, slots);
    place(job.weight, slots);
    place(job.position, slots);
    place(job.count, job.local_experts);
    place(job.first, job.local_experts + 1);
    place(job.token_of, slots);
    place(job.tile_expert, most_tiles(job, 16));
    place(job.tile_row, most_tiles(job, 16));
    place(job.tile_count, 1);
    place(job.gated, slots * job.inner);
    place(job.gated_scale, slots * (job.inner / half_columns));
    place(job.result, slots * job.hidden);
    return bytes;
}

/* Blocks that a device runs at a time, `per` to a multiprocessor; 0: it cannot be asked. */
inline int64_t blocks_at_once(int per) {
    int device = 0, count = 0;
    if (cudaGetDevice(&device) != cudaSuccess ||
        cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device) != cudaSuccess)
        return 0;
    return (int64_t)count * per;
}

template <int ROWS> int run_products(const experts &job, tm_stream stream) {
    using S = shape<ROWS>;
    const int64_t tiles = most_tiles(job, ROWS), blocks = blocks_at_once(S::blocks);
    const auto grid = [&](int64_t across) {
        return dim3((unsigned)(tiles * across < blocks ? tiles * across : blocks));
    };
    if (blocks == 0 ||
        cudaFuncSetAttribute(first_product<ROWS>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             S::first_bytes) != cudaSuccess ||
        cudaFuncSetAttribute(second_product<ROWS>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             S::second_bytes) != cudaSuccess)
        return tm_fail(1, "%d bytes of shared memory: %s", S::second_bytes,
                       cudaGetErrorString(cudaGetLastError()));
    LAUNCH(plan_tiles, dim3(1), most_experts, 2 * most_experts * (int)sizeof(int32_t), stream, job,
           ROWS);
    LAUNCH(place_rows, dim3((unsigned)((job.tokens * job.top_k + 255) / 256)), 256, 0, stream, job);
    LAUNCH(first_product<ROWS>, grid(job.inner / half_columns), threads, S::first_bytes, stream,
           job);
    LAUNCH(second_product<ROWS>, grid(job.hidden / columns), threads, S::second_bytes, stream, job);
    LAUNCH(add_up, dim3((unsigned)job.tokens), 256, 0, stream, job);
    const cudaError_t status = cudaGetLastError();
    return status == cudaSuccess ? 0 : tm_fail(1, "experts: %s", cudaGetErrorString(status));
}

/* All tokens. `route(job, first token)` launches what chooses for the job's tokens;
 * `expected_rows`: of an expert, on average, per token. */
template <typename R>
int run_experts(const experts &all, double expected_rows, tm_stream stream, R route) {
    if (all.hidden % depth != 0 || all.inner % depth != 0 || all.local_experts > most_experts ||
        all.top_k > lanes || all.top_k < 1)
        return tm_fail(1,
                       "expected sizes that are multiples of 128, at most %d experts and 1 to "
                       "%d of them for a token",
                       most_experts, lanes);
    experts job = all;
    job.tokens = all.tokens < pass_tokens ? all.tokens : pass_tokens;
    char *memory = take_workspace(lay_out(job, nullptr));
    if (!memory)
        return tm_fail(1, "no workspace for %lld tokens", (long long)job.tokens);
    for (int64_t begin = 0; begin < all.tokens; begin += pass_tokens) {
        job.tokens = all.tokens - begin < pass_tokens ? all.tokens - begin : pass_tokens;
        job.hidden_states = all.hidden_states + begin * all.hidden;
        job.hidden_states_scale = all.hidden_states_scale + begin;
        job.output = all.output + begin * all.hidden;
        (void)lay_out(job, memory);
        if (cudaMemsetAsync(job.count, 0, (size_t)job.local_experts * sizeof *job.count, stream) !=
            cudaSuccess)
            return tm_fail(1, "experts: %s", cudaGetErrorString(cudaGetLastError()));
        route(job, begin);
        const double rows = expected_rows * (double)job.tokens;
        const int status = rows > 96   ? run_products<128>(job, stream)
                           : rows > 24 ? run_products<64>(job, stream)
                                       : run_products<16>(job, stream);
        if (status != 0)
            return status;
    }
    return 0;
}

} // namespace

#endif
