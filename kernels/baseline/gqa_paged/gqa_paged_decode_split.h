/* Grouped-query attention, one query per request, over a paged cache: split along the keys.
 *
 * The slots for keys that the pages of all requests have, as kv_indices lists them, are cut into
 * chunks of the same length, as many as fit on the device at once, whatever the requests' lengths
 * are. A block takes a chunk of one head of keys, request by request: a warp streams every fourth
 * tile through its own ring in shared memory, the next request's behind the last one's without a
 * pause, and multiplies by tensor cores.
 *
 * What a block has of a request that lies in several chunks is its part `chunk + request`: numbers
 * that differ, because a chunk's last request is the next one's first at most. Of the blocks that
 * have parts of a request the last one to arrive adds them up (decode_parts.h), always in the same
 * order; there is no second kernel, whose launch costs as much as a small cache.
 */
#ifndef GQA_PAGED_DECODE_SPLIT_H
#define GQA_PAGED_DECODE_SPLIT_H

#include <limits.h>

#include <type_traits>

#include "decode_parts.h"

namespace {

/* How many requests end before or at `slot`. For a whole warp. */
template <typename T> __device__ int requests_before(const problem<T> &p, int slot, int lane) {
    constexpr int at_once = 4; /* loads that wait together */
    int count = 0;
#pragma unroll 1
    for (int first = 0; first < p.requests && count == first; first += 32 * at_once) {
        bool before[at_once];
#pragma unroll
        for (int n = 0; n < at_once; ++n) {
            const int i = first + 32 * n + lane;
            before[n] = i < p.requests && first_slot(p, i + 1) <= slot;
        }
#pragma unroll
        for (int n = 0; n < at_once; ++n)
            count += __popc(__ballot_sync(0xffffffffu, before[n]));
    }
    return count;
}

/* What a chunk has of one request: the slots from `first` to `end`, of which `keys` hold keys. */
struct segment {
    int request, first, end, keys; /* request == problem.requests: there is none */
};

__device__ inline int count_tiles(const segment &s) {
    return (s.keys + tile_keys - 1) / tile_keys;
}

/* The first segment between slots of `request` or a later one. */
template <typename T>
__device__ segment find_segment(const problem<T> &p, int request, int first, int end) {
#pragma unroll 1
    for (; request < p.requests && first < end; ++request) {
        const int from = max(first, first_slot(p, request));
        const int request_end = first_slot(p, request + 1), to = min(request_end, end);
        if (from >= to)
            continue;
        const int empty = p.last_page_len ? p.page_size - p.last_page_len[request] : 0;
        return {request, from, to, max(min(to, request_end - empty) - from, 0)};
    }
    return {p.requests, end, end, 0};
}

/* The tile that a warp copies next: every fourth of the chunk's, counted through its segments. */
struct cursor {
    segment s;
    int tile;
};

/* Goes on to the segment that has the tile. */
template <typename T> __device__ void settle(const problem<T> &p, cursor &c, int chunk_end) {
#pragma unroll 1
    while (c.s.request < p.requests && c.tile >= count_tiles(c.s)) {
        c.tile -= count_tiles(c.s);
        c.s = find_segment(p, c.s.request + 1, c.s.end, chunk_end);
    }
}

/* The number, as a vector of D elements, of this lane's key of a tile; beyond the last key it is
 * the last one's. 32 bits count the vectors of 500 GB. */
template <typename T>
__device__ uint32_t find_vector(const problem<T> &p, const cursor &c, int kv_head, int lane) {
    const int slot = c.s.first + min(c.tile * tile_keys + lane % tile_keys, c.s.keys - 1);
    const uint32_t page_size = (uint32_t)p.page_size, place = (uint32_t)slot / page_size;
    const uint32_t page = (uint32_t)p.kv_indices[place];
    return (page * page_size + (slot - place * page_size)) * p.kv_heads + kv_head;
}

/* Starts to copy the 16 keys and values whose vectors lanes 0 to 15 hold. */
template <typename T, int D>
__device__ void copy_tile(const problem<T> &p, uint32_t vector, uint4 *tile, int lane) {
    constexpr int row_vectors = D / 8, rows_at_once = 32 / row_vectors;
#pragma unroll
    for (int first = 0; first < tile_keys; first += rows_at_once) {
        const int row = first + lane / row_vectors, i = lane % row_vectors;
        const int64_t from = (int64_t)__shfl_sync(0xffffffffu, vector, row) * D + i * 8;
        copy_async(tile + vector_at<D>(row, i), p.k + from);
        copy_async(tile + tile_keys * row_vectors + vector_at<D>(row, i), p.v + from);
    }
}

/* The lines of `elems` elements are on their way to the L2; for a group of `lanes` threads. */
template <typename E> __device__ void prefetch_lines(const E *from, int elems, int i, int lanes) {
    constexpr int line = 128 / sizeof(E);
#pragma unroll 1
    for (i *= line; i < elems; i += lanes * line)
        prefetch(from + i);
}

/* Requests without a page have no block that would find them. */
template <typename T, int D> __device__ void clear_empty(const problem<T> &p, const rows &r) {
#pragma unroll 1
    for (int request = blockIdx.x; request < p.requests; request += p.chunks) {
        if (first_slot(p, request + 1) > first_slot(p, request))
            continue;
#pragma unroll 1
        for (int i = threadIdx.x; i < r.heads * (D / 4); i += threads)
            store_output<T, D>(p, request, r.first_head, i, no_sum());
    }
}

template <typename T, int D>
__global__ void __launch_bounds__(threads) attend_chunk(const problem<T> p) {
    extern __shared__ uint4 shared[];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int kv_head = blockIdx.y / p.head_tiles;
    const int in_group = blockIdx.y % p.head_tiles * tile_rows;
    const rows r = {kv_head * p.group + in_group, min(tile_rows, p.group - in_group)};
    uint4 *ring = shared + warp * ring_vectors<D>;
    meeting &all = *(meeting *)(shared + warps * ring_vectors<D>);

    /* All that the first copy needs is asked for at once. */
    const int first = blockIdx.x * p.chunk_keys;
    const int end = min(first + p.chunk_keys, p.indices * p.page_size);
    if (first < end) {
        const int page = first / p.page_size, pages = (end - 1) / p.page_size + 1 - page;
        prefetch_lines(p.kv_indices + page, min(pages, threads), threadIdx.x, threads);
    }
    if (p.last_page_len)
        prefetch_lines(p.last_page_len, min(p.requests, 32 * threads), threadIdx.x, threads);

    segment s = find_segment(p, requests_before(p, first, lane), first, end);
    cursor ahead = {s, warp};
    settle(p, ahead, end);
    uint32_t vector = ahead.s.request < p.requests ? find_vector(p, ahead, kv_head, lane) : 0;
    /* The page of a tile is looked up one tile before it is copied. */
    const auto copy_next = [&](int stage) {
        if (ahead.s.request < p.requests) {
            copy_tile<T, D>(p, vector, ring + stage * tile_vectors<D>, lane);
            const int request = ahead.s.request;
            ahead.tile += warps;
            settle(p, ahead, end);
            if (ahead.s.request < p.requests) {
                vector = find_vector(p, ahead, kv_head, lane);
                if (ahead.s.request != request)
                    prefetch_lines(p.q + query_row(p, ahead.s.request, r) * D, r.heads * D, lane,
                                   32);
            }
        }
        commit_copies();
    };
#pragma unroll 1
    for (int stage = 0; stage < stages - 1; ++stage)
        copy_next(stage);
    clear_empty<T, D>(p, r);

    shared_requests others = {-1, -1};
    int stage = 0, tile = warp;
    while (s.request < p.requests) {
        uint32_t q[D / 16][4];
        load_queries<T, D>(p.q + query_row(p, s.request, r) * D, r.heads, lane, q);
        running<D> state;
        state.clear();
        const int tiles = count_tiles(s);
        for (; tile < tiles; tile += warps) {
            copy_next((stage + stages - 1) % stages);
            wait_for_copies<stages - 1>();
            __syncwarp();
            attend_tile<T, D>(ring + stage * tile_vectors<D>, q, s.keys - tile * tile_keys, p.scale,
                              lane, state);
            __syncwarp(); /* before the stage is filled again */
            stage = (stage + 1) % stages;
        }
        tile -= tiles;
        /* The stage that is filled next is empty: the warps meet there. */
        show_sums<D>(state, shared, (stage + stages - 1) % stages, r.heads, all);
        __syncthreads();
        const bool is_shared = find_spread(p, s.request).parts > 1;
        if (is_shared)
            (others.first < 0 ? others.first : others.last) = s.request;
        store_sums<T, D>(p, shared, all, s.request, is_shared, r);
        __syncthreads();
        s = find_segment(p, s.request + 1, s.end, end);
    }
    if (others.first >= 0)
        gather_parts<T, D>(p, others, all, r);
}

/* Slots in a chunk: all chunks of all columns at once on the device, no tile cut. A small cache is
 * cut into chunks of a tile per warp, or of two when a request would become many parts. */
inline int choose_chunk(int slots, int requests, int wanted) {
    const int tile_per_warp = warps * tile_keys;
    const int least = slots / requests > fan * tile_per_warp ? 2 * tile_per_warp : tile_per_warp;
    const int even = (slots + wanted - 1) / wanted;
    return even > least ? (even + tile_keys - 1) / tile_keys * tile_keys : least;
}

#if defined(__CUDACC__)

struct workspace {
    void *memory;
    size_t bytes;
};

/* At least `bytes` of device memory, kept from call to call, zero when new; NULL when there is
 * none. */
void *grow(workspace &held, size_t bytes, cudaStream_t stream) {
    if (bytes <= held.bytes)
        return held.memory;
    (void)cudaFree(held.memory); /* waits until the device is done with it */
    held.bytes = 0;
    if (cudaMalloc(&held.memory, bytes) != cudaSuccess) {
        (void)cudaGetLastError();
        held.memory = NULL;
    } else if (cudaMemsetAsync(held.memory, 0, bytes, stream) != cudaSuccess) {
        (void)cudaGetLastError();
        (void)cudaFree(held.memory);
        held.memory = NULL;
    }
    held.bytes = held.memory ? bytes : 0;
    return held.memory;
}

/* Memory for the parts of rows of `head_dim` elements, and for who has arrived: apart, because that
 * is zero between launches, wherever it lies. */
template <typename T> bool find_workspace(problem<T> &p, int head_dim, cudaStream_t stream) {
    static workspace parts, arrived;
    const size_t rows = (size_t)count_parts(p) * p.qo_heads;
    const size_t counters = (size_t)count_counters(p) * p.kv_heads * p.head_tiles;
    p.part_sums = (float *)grow(parts, rows * (head_dim * sizeof(float) + sizeof(float2)), stream);
    p.arrived = (int *)grow(arrived, counters * sizeof(int), stream);
    p.part_states = (float2 *)(p.part_sums + rows * head_dim);
    return p.part_sums && p.arrived;
}

/* Blocks of `kernel` that the device holds at once; 0 when it cannot be said. */
template <typename K> int count_resident(K kernel, int bytes) {
    int device = 0, multiprocessors = 0, blocks = 0;
    if (cudaGetDevice(&device) != cudaSuccess ||
        cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device) !=
            cudaSuccess ||
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes) !=
            cudaSuccess ||
        cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, threads, bytes) !=
            cudaSuccess)
        return 0;
    return multiprocessors * blocks;
}

template <typename T, int D> int launch(problem<T> p, cudaStream_t stream) {
    constexpr int bytes = shared_bytes<D>;
    const int resident = count_resident(attend_chunk<T, D>, bytes);
    if (resident < 1)
        return tm_fail(1, "blocks per device: %s", cudaGetErrorString(cudaGetLastError()));
    const int columns = p.kv_heads * p.head_tiles, slots = p.indices * p.page_size;
    const int wanted = resident / columns > 1 ? resident / columns : 1;
    p.chunk_keys = choose_chunk(slots, p.requests, wanted);
    p.chunks = slots > 0 ? (slots + p.chunk_keys - 1) / p.chunk_keys : 1;
    if (!find_workspace(p, D, stream))
        return tm_fail(1, "no memory for %d parts of %d rows", count_parts(p), p.qo_heads);
    attend_chunk<T, D><<<dim3(p.chunks, columns), threads, bytes, stream>>>(p);
    const cudaError_t status = cudaGetLastError();
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}

/* Runs a problem; all but group, tiles, chunks and parts are set. */
template <typename T> int decode(problem<T> p, int64_t head_dim, cudaStream_t stream) {
    if (p.kv_heads < 1 || p.qo_heads % p.kv_heads != 0 || p.qo_heads > 65535)
        return tm_fail(2, "expected query heads in groups per head of keys, got %d and %d",
                       p.qo_heads, p.kv_heads);
    if ((int64_t)p.indices * p.page_size > INT_MAX / 2)
        return tm_fail(2, "expected pages for at most %d keys, got %d of %d", INT_MAX / 2,
                       p.indices, p.page_size);
    if (p.requests == 0)
        return 0;
    p.group = p.qo_heads / p.kv_heads;
    p.head_tiles = (p.group + tile_rows - 1) / tile_rows;
    switch (head_dim) {
    case 64:
        return launch<T, 64>(p, stream);
    case 128:
        return launch<T, 128>(p, stream);
    case 256:
        return launch<T, 256>(p, stream);
    }
    return tm_fail(2, "expected heads of 64, 128 or 256 elements, got %lld", (long long)head_dim);
}

#endif

} // namespace

#endif
