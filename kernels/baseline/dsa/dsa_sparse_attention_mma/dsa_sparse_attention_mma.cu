/* Attention over listed entries on tensor cores: a block does 16 heads of a token, which share its
 * entries, 64 entries at a time. While one tile of entries is multiplied the next is gathered into
 * shared memory. The 8 warps first have 8 entries each (logits), then 64 columns of the output each
 * (weights times values); maxima and weights pass through shared memory in between. Few tokens are
 * split over several blocks, whose sums a second kernel combines.
 *
 * Fragments are those of mma.m16n8k16 (PTX ISA, "Matrix fragments"): lane 4 g + t has rows g and
 * g + 8 and columns 2 t and 2 t + 1 of the sum. */
#include "contract.h"

namespace {

constexpr int ckv = 512, kpe = 64, elems = ckv + kpe;
constexpr int heads = 16, entries = 64, warps = 8, threads = 32 * warps;
constexpr int chunk = 8;              /* elements of 16 bytes */
constexpr int stride = elems + chunk; /* rows start 4 banks apart */
constexpr int weight_stride = entries + chunk;
constexpr int columns = ckv / warps, tiles = columns / 8; /* of a warp's part of the output */
constexpr int most_splits = 32;

struct problem {
    const tm_bfloat16 *q_nope, *q_pe, *ckv_cache, *kpe_cache;
    const int32_t *sparse_indices;
    tm_bfloat16 *output;
    float *lse;
    int heads, groups, topk, splits, tiles_per_split;
    int64_t entries;
    float scale;     /* of logits to base 2 */
    float *sums;     /* [tokens, heads, splits, ckv], of several splits */
    float2 *factors; /* [tokens, heads, splits]: largest logit, sum of weights */
};

struct shared_memory {
    tm_bfloat16 queries[heads * stride];
    tm_bfloat16 keys[2][entries * stride];
    tm_bfloat16 weights[heads * weight_stride];
    float most[warps][heads], total[warps][heads];
};

__device__ void multiply_add(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* Four matrices of 8 by 8, each lane giving the address of a row, transposed. */
__device__ void load_turned(uint32_t (&to)[4], const tm_bfloat16 *from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"((uint32_t)__cvta_generic_to_shared(from))
                 : "memory");
}

/* Without waiting; zeros where there is nothing. */
__device__ void copy_16(tm_bfloat16 *to, const tm_bfloat16 *from, bool is_there) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     (uint32_t)__cvta_generic_to_shared(to)),
                 "l"(from), "r"(is_there ? 16 : 0)
                 : "memory");
}

__device__ void commit_copies() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Until at most LEFT of the groups are under way. */
template <int LEFT> __device__ void wait_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
}

__device__ uint32_t load_pair(const tm_bfloat16 *from) {
    uint32_t pair;
    memcpy(&pair, __builtin_assume_aligned(from, 4), sizeof pair);
    return pair;
}

__device__ uint32_t round_pair(float even, float odd) {
    const __nv_bfloat162 rounded = __floats2bfloat162_rn(even, odd);
    uint32_t pair;
    memcpy(&pair, &rounded, sizeof pair);
    return pair;
}

/* The A fragment of 16 rows and columns [k, k + 16). */
__device__ void load_rows(uint32_t (&a)[4], const tm_bfloat16 *rows, int row_stride, int k, int g,
                          int t) {
    const tm_bfloat16 *from = rows + g * row_stride + k + 2 * t;
    a[0] = load_pair(from);
    a[1] = load_pair(from + 8 * row_stride);
    a[2] = load_pair(from + 8);
    a[3] = load_pair(from + 8 * row_stride + 8);
}

__device__ bool is_entry(const problem &p, int64_t entry) {
    return entry >= 0 && entry < p.entries;
}

/* Starts to gather `entries` entries from `first` of the token's list. */
__device__ void gather(const problem &p, const int32_t *listed, int first, tm_bfloat16 *keys) {
    constexpr int chunks = elems / chunk;
    for (int i = threadIdx.x; i < entries * chunks; i += threads) {
        const int row = i / chunks, elem = i % chunks * chunk;
        const int64_t entry = first + row < p.topk ? listed[first + row] : -1;
        const bool is_there = is_entry(p, entry);
        const int64_t from = is_there ? entry : 0;
        copy_16(keys + row * stride + elem,
                elem < ckv ? p.ckv_cache + from * ckv + elem
                           : p.kpe_cache + from * kpe + (elem - ckv),
                is_there);
    }
}

__device__ void load_queries(const problem &p, int64_t first_row, int head, tm_bfloat16 *queries) {
    constexpr int chunks = elems / chunk;
    for (int i = threadIdx.x; i < heads * chunks; i += threads) {
        const int row = i / chunks, elem = i % chunks * chunk;
        const bool is_there = head + row < p.heads;
        const int64_t from = first_row + (is_there ? row : 0);
        copy_16(queries + row * stride + elem,
                elem < ckv ? p.q_nope + from * ckv + elem : p.q_pe + from * kpe + (elem - ckv),
                is_there);
    }
}

/* What a thread has of its rows g and g + 8. */
struct softmax {
    float most[2], total[2];
};

/* Logits of the warp's 8 entries; entries that are none have -infinity. */
__device__ void form_logits(const problem &p, const shared_memory &shared, const tm_bfloat16 *keys,
                            const int32_t *listed, int first, float (&logits)[4]) {
    const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    const tm_bfloat16 *own = keys + (warp * 8 + g) * stride + 2 * t;
    float sum[2][4] = {{0}}; /* two, so that one product need not wait for the last */
#pragma unroll 6
    for (int k = 0; k < elems; k += 32) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            uint32_t a[4];
            const uint32_t b[2] = {load_pair(own + k + 16 * half),
                                   load_pair(own + k + 16 * half + 8)};
            load_rows(a, shared.queries, stride, k + 16 * half, g, t);
            multiply_add(sum[half], a, b);
        }
    }
#pragma unroll
    for (int column = 0; column < 2; ++column) {
        const int at = first + warp * 8 + 2 * t + column;
        const bool is_there = at < p.topk && is_entry(p, listed[at]);
#pragma unroll
        for (int row = 0; row < 2; ++row) {
            const int i = 2 * row + column;
            logits[i] = is_there ? (sum[0][i] + sum[1][i]) * p.scale : -INFINITY;
        }
    }
}

__device__ float quad_max(float value) {
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 1));
    return fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 2));
}

__device__ float quad_sum(float value) {
    value += __shfl_xor_sync(0xffffffffu, value, 1);
    return value + __shfl_xor_sync(0xffffffffu, value, 2);
}

/* Turns logits into weights in shared memory; `shrink` is what earlier sums are multiplied by. */
__device__ void form_weights(shared_memory &shared, const float (&logits)[4], softmax &state,
                             float (&shrink)[2]) {
    const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int row = 0; row < 2; ++row) {
        const float most = quad_max(fmaxf(logits[2 * row], logits[2 * row + 1]));
        if (t == 0)
            shared.most[warp][g + 8 * row] = most;
    }
    __syncthreads();
#pragma unroll
    for (int row = 0; row < 2; ++row) {
        float most = state.most[row];
#pragma unroll
        for (int w = 0; w < warps; ++w)
            most = fmaxf(most, shared.most[w][g + 8 * row]);
        const bool is_empty = most == -INFINITY;
        const float even = is_empty ? 0 : exp2f(logits[2 * row] - most);
        const float odd = is_empty ? 0 : exp2f(logits[2 * row + 1] - most);
        shrink[row] = is_empty ? 1 : exp2f(state.most[row] - most);
        state.total[row] = state.total[row] * shrink[row] + even + odd;
        state.most[row] = most;
        const uint32_t pair = round_pair(even, odd);
        memcpy(shared.weights + (g + 8 * row) * weight_stride + warp * 8 + 2 * t, &pair,
               sizeof pair);
    }
    __syncthreads();
}

/* Adds weights times values of the warp's columns. */
__device__ void add_values(const shared_memory &shared, const tm_bfloat16 *keys,
                           const float (&shrink)[2], float (&sums)[tiles][4]) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    const tm_bfloat16 *own =
        keys + lane % 16 * stride + warp * columns + lane / 16 * 8; /* the row this lane names */
#pragma unroll
    for (int tile = 0; tile < tiles; ++tile) {
#pragma unroll
        for (int i = 0; i < 4; ++i)
            sums[tile][i] *= shrink[i / 2];
    }
#pragma unroll
    for (int k = 0; k < entries; k += 16) {
        uint32_t a[4];
        load_rows(a, shared.weights, weight_stride, k, g, t);
#pragma unroll
        for (int tile = 0; tile < tiles; tile += 2) {
            uint32_t values[4];
            load_turned(values, own + k * stride + tile * 8);
            const uint32_t first[2] = {values[0], values[1]}, second[2] = {values[2], values[3]};
            multiply_add(sums[tile], a, first);
            multiply_add(sums[tile + 1], a, second);
        }
    }
}

/* Writes a block's part: the output, or where there are several splits its sums. */
__device__ void write_part(const problem &p, shared_memory &shared, int64_t first_row, int head,
                           int split, softmax &state, const float (&sums)[tiles][4]) {
    const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int row = 0; row < 2; ++row) {
        const float total = quad_sum(state.total[row]);
        if (t == 0)
            shared.total[warp][g + 8 * row] = total;
    }
    __syncthreads();
#pragma unroll
    for (int row = 0; row < 2; ++row) {
        const int own = g + 8 * row;
        const int64_t at = first_row + own, part = at * p.splits + split;
        float total = 0;
#pragma unroll
        for (int w = 0; w < warps; ++w)
            total += shared.total[w][own];
        if (head + own >= p.heads)
            continue;
        const float inverse = total > 0 ? 1 / total : 0;
#pragma unroll
        for (int tile = 0; tile < tiles; ++tile) {
            const int column = warp * columns + tile * 8 + 2 * t;
            const float even = sums[tile][2 * row], odd = sums[tile][2 * row + 1];
            if (p.splits == 1) {
                const uint32_t pair = round_pair(even * inverse, odd * inverse);
                memcpy(p.output + at * ckv + column, &pair, sizeof pair);
            } else {
                p.sums[part * ckv + column] = even;
                p.sums[part * ckv + column + 1] = odd;
            }
        }
        if (warp == 0 && t == 0) {
            if (p.splits == 1)
                p.lse[at] = state.most[row] + log2f(total);
            else
                p.factors[part] = make_float2(state.most[row], total);
        }
    }
}

__global__ void __launch_bounds__(threads, 1) attend(const problem p) {
    extern __shared__ __align__(16) char memory[];
    shared_memory &shared = *reinterpret_cast<shared_memory *>(memory);
    const int split = blockIdx.x % p.splits, item = blockIdx.x / p.splits;
    const int64_t token = item / p.groups;
    const int head = item % p.groups * heads;
    const int64_t first_row = token * p.heads + head;
    const int32_t *listed = p.sparse_indices + token * p.topk;
    const int begin = split * p.tiles_per_split * entries;
    const int end = min(p.topk, begin + p.tiles_per_split * entries);
    softmax state = {{-INFINITY, -INFINITY}, {0, 0}};
    float sums[tiles][4] = {{0}};

    load_queries(p, first_row, head, shared.queries);
    gather(p, listed, begin, shared.keys[0]);
    commit_copies();
    for (int first = begin, buffer = 0; first < end; first += entries, buffer ^= 1) {
        const tm_bfloat16 *keys = shared.keys[buffer];
        float logits[4], shrink[2];
        if (first + entries < end)
            gather(p, listed, first + entries, shared.keys[buffer ^ 1]);
        commit_copies(); /* of nothing, in the last round */
        wait_copies<1>();
        __syncthreads();
        form_logits(p, shared, keys, listed, first, logits);
        form_weights(shared, logits, state, shrink);
        add_values(shared, keys, shrink, sums);
        __syncthreads();
    }
    wait_copies<0>();
    write_part(p, shared, first_row, head, split, state, sums);
}

/* A block per head of a token: the splits' sums, each scaled to the largest logit of all. */
__global__ void __launch_bounds__(ckv / 4) combine(const problem p) {
    const int64_t row = blockIdx.x;
    float most = -INFINITY, total = 0;
    for (int s = 0; s < p.splits; ++s)
        most = fmaxf(most, p.factors[row * p.splits + s].x);
    float4 sum = make_float4(0, 0, 0, 0);
    for (int s = 0; s < p.splits; ++s) {
        const float2 factor = p.factors[row * p.splits + s];
        const float weight = factor.x == -INFINITY ? 0 : exp2f(factor.x - most);
        const float4 part = reinterpret_cast<const float4 *>(
            p.sums)[(row * p.splits + s) * (ckv / 4) + threadIdx.x];
        total += weight * factor.y;
        sum = make_float4(sum.x + weight * part.x, sum.y + weight * part.y, sum.z + weight * part.z,
                          sum.w + weight * part.w);
    }
    const float inverse = total > 0 ? 1 / total : 0;
    reinterpret_cast<uint2 *>(p.output)[row * (ckv / 4) + threadIdx.x] = make_uint2(
        round_pair(sum.x * inverse, sum.y * inverse), round_pair(sum.z * inverse, sum.w * inverse));
    if (threadIdx.x == 0)
        p.lse[row] = most + log2f(total);
}

bool is_aligned(const void *pointer) {
    return (uintptr_t)pointer % sizeof(uint4) == 0;
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

int TM_ENTRY(const tm_bfloat16 *q_nope, const tm_bfloat16 *q_pe, const tm_bfloat16 *ckv_cache,
             const tm_bfloat16 *kpe_cache, const int32_t *sparse_indices, float sm_scale,
             tm_bfloat16 *output, float *lse, const tm_axes *axes, tm_stream stream) {
    const int64_t rows = axes->num_tokens * axes->num_qo_heads;
    const int64_t groups = (axes->num_qo_heads + heads - 1) / heads;
    const int64_t items = axes->num_tokens * groups;
    if (axes->head_dim_ckv != ckv || axes->head_dim_kpe != kpe)
        return tm_fail(2, "expected %d and %d elements of a key, got %lld and %lld", ckv, kpe,
                       (long long)axes->head_dim_ckv, (long long)axes->head_dim_kpe);
    if (rows == 0)
        return 0;
    if (rows > INT32_MAX / most_splits || axes->topk > INT32_MAX / 2)
        return tm_fail(2, "%lld heads of tokens: expected at most 2^26", (long long)rows);
    if (!is_aligned(q_nope) || !is_aligned(q_pe) || !is_aligned(ckv_cache) ||
        !is_aligned(kpe_cache) || !is_aligned(output))
        return tm_fail(2, "expected tensors that are aligned to 16 bytes");

    int device = 0, processors = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
    const int all_tiles = (int)((axes->topk + entries - 1) / entries);
    int splits = (int)min((int64_t)most_splits, max((int64_t)1, processors / items));
    const int tiles_per_split = max(1, (all_tiles + splits - 1) / splits);
    splits = max(1, (all_tiles + tiles_per_split - 1) / tiles_per_split);
    problem p = {q_nope,
                 q_pe,
                 ckv_cache,
                 kpe_cache,
                 sparse_indices,
                 output,
                 lse,
                 (int)axes->num_qo_heads,
                 (int)groups,
                 (int)axes->topk,
                 splits,
                 tiles_per_split,
                 axes->num_pages * axes->page_size,
                 sm_scale * 1.44269504088896340736f,
                 NULL,
                 NULL};
    if (splits > 1) {
        const size_t parts = (size_t)(rows * splits);
        p.sums = (float *)reserve(parts * (ckv * sizeof(float) + sizeof(float2)));
        if (!p.sums)
            return tm_fail(3, "no memory for %zu parts", parts);
        p.factors = (float2 *)(p.sums + parts * ckv);
    }
    cudaFuncSetAttribute(attend, cudaFuncAttributeMaxDynamicSharedMemorySize,
                         (int)sizeof(shared_memory));
    attend<<<(unsigned)(items * splits), threads, sizeof(shared_memory), stream>>>(p);
    if (splits > 1)
        combine<<<(unsigned)rows, ckv / 4, 0, stream>>>(p);
    const cudaError_t status = cudaGetLastError();
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}
