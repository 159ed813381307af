/* sampling_cluster: one token per row of probabilities on the GPU, a cluster of blocks per row. The
 * row is read from memory once: each block keeps its part in shared memory, and what they have to
 * tell each other goes through distributed shared memory (sm_90 and newer).
 *
 * Where the kept part of the sorted row ends is found without sorting, digit by digit (radix
 * selection): counts and masses of the probabilities by 11, 11 and 10 of their bits. Masses are
 * integers in units of 2^-31 of the row's sum, so their sums do not depend on the order. */
#ifndef BASELINE_SAMPLING_CLUSTER_H
#define BASELINE_SAMPLING_CLUSTER_H

#include <cooperative_groups.h>

#include <Random123/philox.h>

#include "tracemill.h"

namespace {

constexpr int threads = 512, warps = threads / 32, bins = 2048;
constexpr int most_blocks = 8; /* of a cluster: more are not portable */
constexpr float units = 2147483648.0f;

struct problem {
    const float *probs;
    const int32_t *top_k; /* NULL: all */
    const float *top_p;   /* NULL: all */
    int64_t *samples;
    int vocabulary, part; /* elements of a row, and of a block's part */
    uint64_t call;
};

struct digits {
    uint32_t count[bins], mass[bins];
};

struct shared_memory {
    digits own;       /* of this block's part */
    digits merged[2]; /* of the row: by the first digit, by a later one */
    uint32_t warp_sums[warps];
    uint64_t warp_totals[warps];
    float warp_masses[warps], mass;
    uint32_t ties, kept; /* of this block's part */
    uint32_t found, before, mass_before;
    alignas(16) float part[1]; /* longer */
};

/* Kept are all above `key` and the first `ties` that equal it; `mass` is that of all of them. */
struct cut {
    uint32_t key, ties, mass;
};

struct row {
    int length;  /* of this block's part */
    float scale; /* from a probability to units */
};

__device__ shared_memory &shared_of_block() {
    extern __shared__ __align__(16) char memory[];
    return *reinterpret_cast<shared_memory *>(memory);
}

__device__ void cluster_sync() {
    cooperative_groups::this_cluster().sync();
}

/* Another block's. */
template <typename T> __device__ T *of_block(T *own, int rank) {
    return cooperative_groups::this_cluster().map_shared_rank(own, rank);
}

/* What is no probability counts as 0. */
__device__ uint32_t key_of(float value) {
    return value > 0 ? __float_as_uint(value) : 0;
}

__device__ uint32_t mass_of(const row &r, uint32_t key) {
    return (uint32_t)(__uint_as_float(key) * r.scale + 0.5f);
}

/* Copies this block's part of a row; the sum of its probabilities to `mass`. */
__device__ void load_part(const float *from, int length, bool is_aligned, shared_memory &shared) {
    float sum = 0;
    int done = 0;
    if (is_aligned) {
        done = length / 4 * 4;
        for (int i = threadIdx.x; i < length / 4; i += threads) {
            const float4 v = __ldcs(reinterpret_cast<const float4 *>(from) + i);
            reinterpret_cast<float4 *>(shared.part)[i] = v;
            sum += (fmaxf(v.x, 0) + fmaxf(v.y, 0)) + (fmaxf(v.z, 0) + fmaxf(v.w, 0));
        }
    }
    for (int i = done + threadIdx.x; i < length; i += threads) {
        shared.part[i] = from[i];
        sum += fmaxf(from[i], 0);
    }
    for (int distance = 16; distance > 0; distance /= 2)
        sum += __shfl_xor_sync(0xffffffffu, sum, distance);
    if (threadIdx.x % 32 == 0)
        shared.warp_masses[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        float mass = 0;
        for (int w = 0; w < warps; ++w)
            mass += shared.warp_masses[w];
        shared.mass = mass;
    }
}

/* Sums the blocks' own bins: each block a share of them, which it gives to all. */
__device__ void merge(shared_memory &shared, int count, digits &merged) {
    const auto cluster = cooperative_groups::this_cluster();
    const int blocks = cluster.num_blocks(), share = count / blocks;
    const int first = cluster.block_rank() * share;
    for (int i = threadIdx.x; i < 2 * share; i += threads) {
        const bool is_mass = i >= share;
        const int bin = first + (is_mass ? i - share : i);
        uint32_t *own = is_mass ? shared.own.mass : shared.own.count, sum = 0;
        uint32_t *to = is_mass ? merged.mass : merged.count;
#pragma unroll
        for (int rank = 0; rank < most_blocks; ++rank)
            sum += rank < blocks ? *of_block(own + bin, rank) : 0;
#pragma unroll
        for (int rank = 0; rank < most_blocks; ++rank)
            if (rank < blocks)
                *of_block(to + bin, rank) = sum;
    }
}

/* Counts the keys that begin like `prefix` above bit `upper`, by the digit below. */
__device__ void count_digit(const row &r, shared_memory &shared, uint32_t prefix, int upper,
                            int width, digits &merged) {
    const int shift = upper - width;
    for (int bin = threadIdx.x; bin < 1 << width; bin += threads)
        shared.own.count[bin] = shared.own.mass[bin] = 0;
    __syncthreads();
    for (int i = threadIdx.x; i < r.length; i += threads) {
        const uint32_t key = key_of(shared.part[i]);
        if (upper < 32 && key >> upper != prefix >> upper)
            continue;
        const uint32_t bin = key >> shift & ((1u << width) - 1);
        atomicAdd(&shared.own.count[bin], 1u);
        atomicAdd(&shared.own.mass[bin], mass_of(r, key));
    }
    cluster_sync();
    merge(shared, 1 << width, merged);
    cluster_sync();
}

/* The first bin from above with which the count (by_mass: the mass) exceeds `limit`, and what lies
 * above it; `found` is `count` when there is none. Each thread has neighbouring bins, the last ones
 * first; none is read after the next barrier. */
__device__ void find_digit(const digits &merged, int count, bool by_mass, uint32_t limit,
                           uint32_t before, uint32_t mass_before, shared_memory &shared) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, own = count / threads;
    const int last = count - 1 - threadIdx.x * own;
    uint64_t sum = 0; /* count above 32 bits, mass below: neither overflows */
    for (int bin = last; bin > last - own; --bin)
        sum += (uint64_t)merged.count[bin] << 32 | merged.mass[bin];
    uint64_t sums = sum; /* with those of the threads before */
    for (int distance = 1; distance < 32; distance *= 2) {
        const uint64_t other = __shfl_up_sync(0xffffffffu, sums, distance);
        sums += lane >= distance ? other : 0;
    }
    if (lane == 31)
        shared.warp_totals[warp] = sums;
    __syncthreads();
    for (int w = 0; w < warp; ++w)
        sums += shared.warp_totals[w];
    uint32_t counts = before + (uint32_t)(sums >> 32), masses = mass_before + (uint32_t)sums;
    const uint32_t reached = by_mass ? masses : counts;
    if (threadIdx.x == threads - 1 && reached <= limit) {
        shared.found = count;
        shared.mass_before = masses;
    }
    counts -= (uint32_t)(sum >> 32);
    masses -= (uint32_t)sum;
    if ((by_mass ? masses : counts) > limit || reached <= limit)
        return;
    int bin = last;
    while ((by_mass ? masses + merged.mass[bin] : counts + merged.count[bin]) <= limit) {
        counts += merged.count[bin];
        masses += merged.mass[bin--];
    }
    shared.found = bin;
    shared.before = counts;
    shared.mass_before = masses;
}

/* A key stays while the count (by_mass: the mass) of what stands before it is at most `limit`. The
 * first digits have been counted. */
__device__ cut find_cut(const row &r, shared_memory &shared, bool by_mass, uint32_t limit) {
    uint32_t key = 0, before = 0, mass_before = 0;
    int upper = 32;
    for (int level = 0; level < 3; ++level) {
        const int width = level < 2 ? 11 : 10;
        digits &merged = shared.merged[level > 0];
        if (level > 0)
            count_digit(r, shared, key, upper, width, merged);
        upper -= width;
        find_digit(merged, 1 << width, by_mass, limit, before, mass_before, shared);
        __syncthreads();
        const uint32_t found = shared.found;
        before = shared.before;
        mass_before = shared.mass_before;
        __syncthreads(); /* before another search writes there */
        if (found == 1u << width)
            return {0, UINT32_MAX, mass_before};
        key |= found << upper;
    }
    const uint32_t equal = shared.merged[1].count[key & 1023], mass = mass_of(r, key);
    uint32_t ties = equal;
    if (!by_mass)
        ties = limit - before + 1;
    else if (mass > 0)
        ties = (limit - mass_before) / mass + 1;
    ties = ties < equal ? ties : equal;
    return {key, ties, mass_before + ties * mass};
}

__device__ cut cut_row(const problem &p, const row &r, shared_memory &shared, int number) {
    const int top_k = p.top_k ? p.top_k[number] : 0;
    const float top_p = p.top_p ? p.top_p[number] : 1;
    const bool by_count = top_k > 0 && top_k < p.vocabulary;
    cut kept = {0, UINT32_MAX, 0};
    count_digit(r, shared, 0, 32, 11, shared.merged[0]);
    if (by_count || !(top_p < 1))
        kept = find_cut(r, shared, false, by_count ? top_k - 1 : UINT32_MAX);
    if (top_p < 1) {
        /* top_p is a share of what top_k leaves, else of 1. */
        const float limit = fmaxf(top_p, 0) * (by_count ? (float)kept.mass : r.scale);
        const cut nucleus = find_cut(r, shared, true, (uint32_t)fminf(limit, units));
        if (!by_count || nucleus.key > kept.key ||
            (nucleus.key == kept.key && nucleus.ties < kept.ties))
            kept = nucleus;
    }
    return kept;
}

/* The sum over the threads before this one, and in `all` over the block. */
__device__ uint32_t sum_before(uint32_t value, shared_memory &shared, uint32_t &all) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    uint32_t sum = value, before = 0;
    for (int distance = 1; distance < 32; distance *= 2) {
        const uint32_t other = __shfl_up_sync(0xffffffffu, sum, distance);
        sum += lane >= distance ? other : 0;
    }
    if (lane == 31)
        shared.warp_sums[warp] = sum;
    __syncthreads();
    all = 0;
    for (int w = 0; w < warps; ++w) {
        before += w < warp ? shared.warp_sums[w] : 0;
        all += shared.warp_sums[w];
    }
    __syncthreads();
    return before + sum - value;
}

/* The same over the threads of all blocks of the cluster; `slot` tells them of each other. */
__device__ uint32_t sum_before_in_cluster(uint32_t value, shared_memory &shared, uint32_t &slot) {
    const int rank = cooperative_groups::this_cluster().block_rank();
    uint32_t all, before = sum_before(value, shared, all);
    if (threadIdx.x == 0)
        slot = all;
    cluster_sync();
#pragma unroll
    for (int other = 0; other < most_blocks; ++other) /* all on their way at once */
        before += other < rank ? *of_block(&slot, other) : 0;
    return before;
}

__device__ uint64_t random_of(uint64_t call, int number) {
    philox4x32_ctr_t counter = {{(uint32_t)call, (uint32_t)(call >> 32), (uint32_t)number, 0}};
    philox4x32_key_t key = {{0x636c7573u, 0x74657273u}};
    const philox4x32_ctr_t words = philox4x32(counter, key);
    return (uint64_t)words.v[0] << 32 | words.v[1];
}

/* The token in whose mass the drawn unit lies, in the order of blocks, threads and their elements.
 */
__device__ void draw(const problem &p, const row &r, shared_memory &shared, const cut &kept,
                     int number, int first) {
    uint32_t ties = 0, mass = 0;
    for (int i = threadIdx.x; i < r.length; i += threads) {
        const uint32_t key = key_of(shared.part[i]);
        ties += key == kept.key;
        mass += key > kept.key ? mass_of(r, key) : 0;
    }
    const uint32_t ties_before = sum_before_in_cluster(ties, shared, shared.ties);
    uint32_t left = ties_before < kept.ties ? kept.ties - ties_before : 0;
    mass += (ties < left ? ties : left) * mass_of(r, kept.key);
    uint32_t before = sum_before_in_cluster(mass, shared, shared.kept);
    const uint32_t unit = (uint32_t)__umul64hi(random_of(p.call, number), kept.mass);
    if (unit < before || unit - before >= mass)
        return;
    for (int i = threadIdx.x; i < r.length; i += threads) {
        const uint32_t key = key_of(shared.part[i]);
        const bool is_kept = key > kept.key || (key == kept.key && left > 0);
        left -= key == kept.key && left > 0;
        before += is_kept ? mass_of(r, key) : 0;
        if (before > unit) {
            p.samples[number] = first + i;
            return;
        }
    }
}

__global__ void __launch_bounds__(threads) sample_rows(const problem p) {
    shared_memory &shared = shared_of_block();
    const auto cluster = cooperative_groups::this_cluster();
    const int blocks = cluster.num_blocks(), rank = cluster.block_rank();
    const int number = blockIdx.x / blocks, first = rank * p.part;
    const float *from = p.probs + (int64_t)number * p.vocabulary + first;
    row r = {max(0, min(p.part, p.vocabulary - first)), 0};
    load_part(from, r.length, (uintptr_t)from % sizeof(float4) == 0, shared);
    cluster_sync();
    float mass = 0;
#pragma unroll
    for (int other = 0; other < most_blocks; ++other)
        mass += other < blocks ? *of_block(&shared.mass, other) : 0;
    if (mass > 0 && mass < INFINITY) { /* the same in all blocks */
        r.scale = units / mass;
        const cut kept = cut_row(p, r, shared, number);
        draw(p, r, shared, kept, number, first);
    } else if (rank == 0 && threadIdx.x == 0) {
        p.samples[number] = -1; /* no distribution */
    }
    cluster_sync(); /* a block's memory stays until the others have read it */
}

/* `top_k` and `top_p` may be NULL: all. */
int sample(const float *probs, const int32_t *top_k, const float *top_p, int64_t *samples,
           int64_t rows, int64_t vocabulary, cudaStream_t stream) {
    static uint64_t calls;
    const uint64_t call = __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    const int blocks = vocabulary > 65536   ? most_blocks
                       : vocabulary > 16384 ? 4
                       : vocabulary > 4096  ? 2
                                            : 1;
    const int64_t part = ((vocabulary + blocks - 1) / blocks + 3) / 4 * 4;
    const size_t bytes = sizeof(shared_memory) + (size_t)part * sizeof(float);
    if (rows == 0)
        return 0;
    if (rows > INT32_MAX / most_blocks || vocabulary > 360000)
        return tm_fail(2,
                       "%lld rows of %lld: expected at most 2^28 of 360000, which fit in shared "
                       "memory",
                       (long long)rows, (long long)vocabulary);
    const problem p = {probs, top_k, top_p, samples, (int)vocabulary, (int)part, call};
    cudaLaunchAttribute attribute;
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim.x = blocks;
    attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
    cudaLaunchConfig_t launch = {};
    launch.gridDim = dim3((unsigned)(rows * blocks));
    launch.blockDim = dim3(threads);
    launch.dynamicSmemBytes = bytes;
    launch.stream = stream;
    launch.attrs = &attribute;
    launch.numAttrs = 1;
    cudaFuncSetAttribute(sample_rows, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);
    const cudaError_t status = cudaLaunchKernelEx(&launch, sample_rows, p);
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}

} // namespace

#endif
