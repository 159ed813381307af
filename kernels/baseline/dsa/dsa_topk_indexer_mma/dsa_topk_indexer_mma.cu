/* The indexer on tensor cores. Scores: a warp has all of a sequence's queries in registers, as fp8,
 * and goes over its share of the sequence's tokens, 16 at a time, whose keys it reads once from the
 * cache; relu, weights and the sum over heads follow on the products in registers. Selection: a
 * block per sequence finds the lowest score that is selected, digit by digit (radix selection), and
 * collects what is above and as many of the equal ones as are left. A sequence no longer than topk
 * is taken whole, without scores. The indices come in no order.
 *
 * Fragments are those of mma.m16n8k32 of 8-bit elements (PTX ISA, "Matrix fragments"): lane 4 g + t
 * has rows (tokens) g and g + 8 and columns (heads) 2 t and 2 t + 1 of the sum. */
#include "contract.h"

namespace {

constexpr int heads = 64, dim = 128, page_size = 64, scale_bytes = 4;
constexpr int key_bytes = dim + scale_bytes;
constexpr int steps = dim / 32, head_tiles = heads / 8;
constexpr int score_threads = 128, tile_tokens = 16;
constexpr int select_threads = 1024, bins = 2048;

struct problem {
    const uint8_t *q, *k; /* fp8 */
    const float *weights;
    const int32_t *seq_lens, *block_table;
    int32_t *topk_indices;
    int topk, max_num_pages, num_pages;
    uint32_t *keys; /* [batch_size, max_num_pages * page_size]: grow with the score; 0: no entry */
};

__device__ void multiply_add_fp8(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ int sequence_length(const problem &p, int sequence) {
    return max(0, min(p.seq_lens[sequence], p.max_num_pages * page_size));
}

/* Where a token lies in the cache, or -1. */
__device__ int64_t find_entry(const problem &p, int sequence, int token) {
    const int page = p.block_table[(int64_t)sequence * p.max_num_pages + token / page_size];
    return page >= 0 && page < p.num_pages ? (int64_t)page * page_size + token % page_size : -1;
}

__device__ uint32_t key_of(float score) {
    const uint32_t bits = __float_as_uint(score + 0.0f);
    if (score != score)
        return 0xffffffffu;
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

__device__ float quad_sum(float value) {
    value += __shfl_xor_sync(0xffffffffu, value, 1);
    return value + __shfl_xor_sync(0xffffffffu, value, 2);
}

__global__ void __launch_bounds__(score_threads) score(const problem p) {
    const int sequence = blockIdx.y, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    const int length = sequence_length(p, sequence);
    const int warp = blockIdx.x * (score_threads / 32) + threadIdx.x / 32;
    const int all_warps = gridDim.x * (score_threads / 32);
    if (length <= p.topk || warp * tile_tokens >= length)
        return;
    uint32_t queries[head_tiles][steps][2];
    float weights[head_tiles][2];
#pragma unroll
    for (int tile = 0; tile < head_tiles; ++tile) {
        const uint8_t *own = p.q + ((int64_t)sequence * heads + tile * 8 + g) * dim + 4 * t;
#pragma unroll
        for (int step = 0; step < steps; ++step) {
            queries[tile][step][0] = *reinterpret_cast<const uint32_t *>(own + step * 32);
            queries[tile][step][1] = *reinterpret_cast<const uint32_t *>(own + step * 32 + 16);
        }
        weights[tile][0] = p.weights[(int64_t)sequence * heads + tile * 8 + 2 * t];
        weights[tile][1] = p.weights[(int64_t)sequence * heads + tile * 8 + 2 * t + 1];
    }
    for (int first = warp * tile_tokens; first < length; first += all_warps * tile_tokens) {
        uint32_t keys[steps][4];
        float scales[2], sums[2] = {0, 0};
        bool is_there[2];
#pragma unroll
        for (int row = 0; row < 2; ++row) { /* behind the last token: its key again, not stored */
            const int token = min(first + g + 8 * row, length - 1);
            const int64_t found = find_entry(p, sequence, token), entry = found < 0 ? 0 : found;
            const uint8_t *page = p.k + entry / page_size * (page_size * key_bytes);
            const uint8_t *key = page + entry % page_size * dim + 4 * t;
            is_there[row] = found >= 0;
            scales[row] = *reinterpret_cast<const float *>(page + page_size * dim +
                                                           entry % page_size * scale_bytes);
#pragma unroll
            for (int step = 0; step < steps; ++step) {
                keys[step][row] = __ldcs(reinterpret_cast<const uint32_t *>(key + step * 32));
                keys[step][row + 2] =
                    __ldcs(reinterpret_cast<const uint32_t *>(key + step * 32 + 16));
            }
        }
#pragma unroll
        for (int tile = 0; tile < head_tiles; ++tile) {
            float dot[4] = {0, 0, 0, 0};
#pragma unroll
            for (int step = 0; step < steps; ++step)
                multiply_add_fp8(dot, keys[step], queries[tile][step]);
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                const float logit = dot[i] * scales[i / 2];
                sums[i / 2] += (logit < 0 ? 0 : logit) * weights[tile][i % 2];
            }
        }
#pragma unroll
        for (int row = 0; row < 2; ++row) {
            const float sum = quad_sum(sums[row]);
            const int token = first + g + 8 * row;
            if (t == 0 && token < length)
                p.keys[(int64_t)sequence * p.max_num_pages * page_size + token] =
                    is_there[row] ? key_of(sum) : 0;
        }
    }
}

/* Where the selection ends: all keys above `key`, and `ties` that equal it. */
struct cut {
    uint32_t key;
    int ties;
};

struct select_memory {
    int count[bins];
    int digit, above;
    int taken, taken_ties;
};

/* The first bin from above with which `wanted` keys are reached, and how many lie above it. */
__device__ void find_digit(select_memory &shared, int width, int wanted) {
    const int lane = threadIdx.x, own = (1 << width) / 32, last = (1 << width) - 1 - lane * own;
    if (lane >= 32)
        return;
    int sum = 0;
    for (int bin = last; bin > last - own; --bin)
        sum += shared.count[bin];
    int before = sum;
    for (int distance = 1; distance < 32; distance *= 2) {
        const int other = __shfl_up_sync(0xffffffffu, before, distance);
        before += lane >= distance ? other : 0;
    }
    before -= sum;
    if (before >= wanted || before + sum < wanted)
        return;
    int bin = last;
    while (before + shared.count[bin] < wanted)
        before += shared.count[bin--];
    shared.digit = bin;
    shared.above = before;
}

/* The cut that keeps `wanted` of `length` keys, 1 <= wanted <= length. */
__device__ cut find_cut(const uint32_t *keys, int length, int wanted, select_memory &shared) {
    uint32_t prefix = 0;
    int shift = 32;
    for (int level = 0; level < 3; ++level) {
        const int width = level < 2 ? 11 : 10, upper = shift;
        shift -= width;
        for (int bin = threadIdx.x; bin < 1 << width; bin += select_threads)
            shared.count[bin] = 0;
        __syncthreads();
        for (int i = threadIdx.x; i < length; i += select_threads) {
            const uint32_t key = keys[i];
            if (upper == 32 || key >> upper == prefix >> upper)
                atomicAdd(&shared.count[key >> shift & ((1u << width) - 1)], 1);
        }
        __syncthreads();
        find_digit(shared, width, wanted);
        __syncthreads();
        prefix |= (uint32_t)shared.digit << shift;
        wanted -= shared.above;
    }
    return {prefix, wanted};
}

__global__ void __launch_bounds__(select_threads) select(const problem p) {
    __shared__ select_memory shared;
    const int sequence = blockIdx.x, length = sequence_length(p, sequence);
    const uint32_t *keys = p.keys + (int64_t)sequence * p.max_num_pages * page_size;
    int32_t *to = p.topk_indices + (int64_t)sequence * p.topk;
    const bool is_whole = length <= p.topk;
    const cut end = is_whole ? cut{0, 0} : find_cut(keys, length, p.topk, shared);
    if (threadIdx.x == 0)
        shared.taken = shared.taken_ties = 0;
    __syncthreads();
    for (int i = threadIdx.x; i < length; i += select_threads) {
        const uint32_t key = is_whole ? 1 : keys[i];
        const bool is_tie = !is_whole && key == end.key;
        if (key == 0 || key < end.key || (is_tie && atomicAdd(&shared.taken_ties, 1) >= end.ties))
            continue;
        const int64_t entry = find_entry(p, sequence, i);
        if (entry >= 0)
            to[atomicAdd(&shared.taken, 1)] = (int32_t)entry;
    }
    __syncthreads();
    for (int i = shared.taken + threadIdx.x; i < p.topk; i += select_threads)
        to[i] = -1;
}

/* Device memory that grows and stays; NULL when there is none. */
void *reserve(size_t bytes) {
    static void *memory;
    static size_t held;
    if (bytes > held) {
        (void)cudaFree(memory);
        memory = NULL;
        held = cudaMalloc(&memory, bytes) == cudaSuccess ? bytes : 0;
    }
    return held >= bytes ? memory : NULL;
}

} // namespace

int TM_ENTRY(const tm_float8_e4m3fn *q_index_fp8, const int8_t *k_index_cache_fp8,
             const float *weights, const int32_t *seq_lens, const int32_t *block_table,
             int32_t *topk_indices, const tm_axes *axes, tm_stream stream) {
    const int64_t batch = axes->batch_size, tokens = axes->max_num_pages * page_size;
    if (axes->num_index_heads != heads || axes->index_head_dim != dim ||
        axes->page_size != page_size || axes->kv_cache_num_heads != 1 ||
        axes->head_dim_with_scale != key_bytes)
        return tm_fail(2, "expected %d heads of %d, pages of %d keys of %d bytes", heads, dim,
                       page_size, key_bytes);
    if (batch == 0)
        return 0;
    if (batch > 65535 || tokens > INT32_MAX || axes->topk > INT32_MAX)
        return tm_fail(2, "%lld sequences of %lld tokens: expected at most 65535 of 2^31 - 1",
                       (long long)batch, (long long)tokens);
    problem p = {(const uint8_t *)q_index_fp8,
                 (const uint8_t *)k_index_cache_fp8,
                 weights,
                 seq_lens,
                 block_table,
                 topk_indices,
                 (int)axes->topk,
                 (int)axes->max_num_pages,
                 (int)axes->num_pages,
                 NULL};
    if (tokens > axes->topk) { /* else no sequence needs scores */
        p.keys = (uint32_t *)reserve((size_t)(batch * tokens) * sizeof *p.keys);
        if (!p.keys)
            return tm_fail(3, "no memory for %lld scores", (long long)(batch * tokens));
        int device = 0, processors = 0;
        cudaGetDevice(&device);
        cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
        /* Some four blocks per multiprocessor, and not more than a sequence has work for. */
        const int64_t of_tokens = (tokens + 64 - 1) / 64;
        const int64_t of_device = (4 * (int64_t)processors + batch - 1) / batch;
        const dim3 grid((unsigned)(of_tokens < of_device ? of_tokens : of_device), (unsigned)batch);
        score<<<grid, score_threads, 0, stream>>>(p);
    }
    select<<<(unsigned)batch, select_threads, 0, stream>>>(p);
    const cudaError_t status = cudaGetLastError();
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}
