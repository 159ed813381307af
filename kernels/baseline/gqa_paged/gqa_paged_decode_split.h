/* Grouped-query attention, one query per request, over a paged cache: split along the keys.
 *
 * The pages of all requests, as kv_indices lists them, are cut into chunks of the same length, as
 * many as fit on the device at once, whatever the requests' lengths are. A block takes a chunk of
 * one head of keys, request by request: each warp streams every fourth 16 keys through its own
 * ring in shared memory and multiplies by tensor cores, the query heads of the group being the rows
 * (up to 16, padded). What a block has of a request is its part `chunk + request`: numbers that
 * differ, because a chunk's last request is the next one's first at most. A second kernel adds up.
 */
#ifndef GQA_PAGED_DECODE_SPLIT_H
#define GQA_PAGED_DECODE_SPLIT_H

#include <type_traits>

#include "warp_tiles.h"

namespace {

constexpr int warps = 4, threads = 32 * warps;
constexpr int tile_rows = 16, tile_keys = 16;
constexpr int stages = 3; /* of a warp's ring */

template <typename T> struct problem {
    const T *q;               /* [requests, qo_heads, D] */
    const T *k, *v;           /* [pages, page_size, kv_heads, D] */
    T *output;                /* [requests, qo_heads, D] */
    float *lse;               /* [requests, qo_heads] */
    const int *kv_indptr;     /* [requests + 1] */
    const int *kv_indices;    /* [indices] */
    const int *last_page_len; /* [requests], or NULL: full */
    float *part_sums;         /* [parts, qo_heads, D] */
    float2 *part_states;      /* [parts, qo_heads]: largest logit, sum of weights relative to it */
    int requests, qo_heads, kv_heads, group, head_tiles, page_size, indices, chunk_pages;
    float scale; /* of logits in base 2 */
};

/* What a block does at a time: keys of one request. */
struct segment {
    int request, page, keys; /* `page` counts kv_indices */
};

/* How many requests end before or at `page`. For a whole warp. */
template <typename T> __device__ int requests_before(const problem<T> &p, int page, int lane) {
    int count = 0;
    for (int first = 0; first < p.requests && count == first; first += 32) {
        const int i = first + lane;
        const bool before = i < p.requests && p.kv_indptr[i + 1] <= page;
        count += __popc(__ballot_sync(0xffffffffu, before));
    }
    return count;
}

/* The number, as a vector of D elements, of this lane's key of a tile; beyond the last key it is
 * the last one's. */
template <typename T>
__device__ int64_t find_vector(const problem<T> &p, const segment &s, int kv_head, int tile,
                               int lane) {
    const int key = min(tile * tile_keys + lane % tile_keys, s.keys - 1);
    const int page = p.kv_indices[s.page + key / p.page_size];
    return ((int64_t)page * p.page_size + key % p.page_size) * p.kv_heads + kv_head;
}

/* Shared memory holds rows of D elements as D / 8 vectors of 16 bytes; vector i of row r lies at
 * i ^ (r % 8), so that eight rows' same vectors are in different banks. */
template <int D> __device__ int vector_at(int row, int i) {
    return row * (D / 8) + (i ^ (row % 8));
}

/* Starts to copy the 16 keys and values whose vectors lanes 0 to 15 hold. */
template <typename T, int D>
__device__ void copy_tile(const problem<T> &p, int64_t vector, uint4 *tile, int lane) {
    constexpr int row_vectors = D / 8, rows_at_once = 32 / row_vectors;
#pragma unroll
    for (int first = 0; first < tile_keys; first += rows_at_once) {
        const int row = first + lane / row_vectors, i = lane % row_vectors;
        const int64_t from = __shfl_sync(0xffffffffu, (long long)vector, row) * D + i * 8;
        copy_async(tile + vector_at<D>(row, i), p.k + from);
        copy_async(tile + tile_keys * row_vectors + vector_at<D>(row, i), p.v + from);
    }
}

/* A warp's softmax of 16 rows; a lane has two rows, lane / 4 and 8 on. */
template <int D> struct running {
    float sums[D / 8][4]; /* tiles of 8 elements, as multiply_add has them */
    float most[2], total[2];

    __device__ void clear() {
#pragma unroll
        for (int n = 0; n < D / 8; ++n)
            sums[n][0] = sums[n][1] = sums[n][2] = sums[n][3] = 0;
        most[0] = most[1] = -INFINITY;
        total[0] = total[1] = 0;
    }

    /* Logits of 16 keys become weights. `total` is of this lane's keys only. */
    __device__ void weigh(float (&logits)[2][4]) {
        float shrink[2];
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            float next = fmaxf(fmaxf(logits[0][2 * h], logits[0][2 * h + 1]),
                               fmaxf(logits[1][2 * h], logits[1][2 * h + 1]));
            next = fmaxf(next, __shfl_xor_sync(0xffffffffu, next, 1));
            next = fmaxf(next, __shfl_xor_sync(0xffffffffu, next, 2));
            next = fmaxf(next, most[h]);
            shrink[h] = exp2f(most[h] - next);
            most[h] = next;
            total[h] *= shrink[h];
#pragma unroll
            for (int n = 0; n < 2; ++n) {
#pragma unroll
                for (int i = 2 * h; i < 2 * h + 2; ++i) {
                    logits[n][i] = exp2f(logits[n][i] - next);
                    total[h] += logits[n][i];
                }
            }
        }
        if (!__any_sync(0xffffffffu, shrink[0] != 1 || shrink[1] != 1))
            return;
#pragma unroll
        for (int n = 0; n < D / 8; ++n) {
            sums[n][0] *= shrink[0];
            sums[n][1] *= shrink[0];
            sums[n][2] *= shrink[1];
            sums[n][3] *= shrink[1];
        }
    }
};

/* The queries of a head tile as the left operands of the products; rows beyond `heads` are 0. */
template <typename T, int D>
__device__ void load_queries(const T *q, int heads, int lane, uint32_t (&to)[D / 16][4]) {
    const int row = lane / 4;
    const T *pair = q + row * D + lane % 4 * 2;
#pragma unroll
    for (int n = 0; n < D / 16; ++n) {
        to[n][0] = row < heads ? *(const uint32_t *)(pair + n * 16) : 0;
        to[n][1] = row + 8 < heads ? *(const uint32_t *)(pair + 8 * D + n * 16) : 0;
        to[n][2] = row < heads ? *(const uint32_t *)(pair + n * 16 + 8) : 0;
        to[n][3] = row + 8 < heads ? *(const uint32_t *)(pair + 8 * D + n * 16 + 8) : 0;
    }
}

/* A tile of which `keys` count. */
template <typename T, int D>
__device__ void attend_tile(const uint4 *tile, const uint32_t (&q)[D / 16][4], int keys,
                            float scale, int lane, running<D> &state) {
    float logits[2][4] = {};
#pragma unroll
    for (int i = 0; i < D / 8; i += 4) {
#pragma unroll
        for (int n = 0; n < 2; ++n) {
            uint32_t k[4];
            load_matrices(k, tile + vector_at<D>(n * 8 + lane % 8, i + lane / 8));
            multiply_add(logits[n], q[i / 2], k[0], k[1], T());
            multiply_add(logits[n], q[i / 2 + 1], k[2], k[3], T());
        }
    }
#pragma unroll
    for (int n = 0; n < 2; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int key = n * 8 + lane % 4 * 2 + i % 2;
            logits[n][i] = key < keys ? logits[n][i] * scale : -INFINITY;
        }
    }
    state.weigh(logits);
    const uint32_t weights[4] = {
        pack_pair(logits[0][0], logits[0][1], T()), pack_pair(logits[0][2], logits[0][3], T()),
        pack_pair(logits[1][0], logits[1][1], T()), pack_pair(logits[1][2], logits[1][3], T())};
    const uint4 *values = tile + tile_keys * (D / 8);
#pragma unroll
    for (int n = 0; n < D / 8; n += 2) {
        uint32_t v[4]; /* keys 0 to 7 and 8 to 15 of 8 elements, then of the next 8 */
        load_transposed(v, values + vector_at<D>(lane / 8 % 2 * 8 + lane % 8, n + lane / 16));
        multiply_add(state.sums[n], weights, v[0], v[1], T());
        multiply_add(state.sums[n + 1], weights, v[2], v[3], T());
    }
}

/* Adds up the warps' sums of `heads` rows and stores them as a part. */
template <typename T, int D>
__device__ void store_part(const problem<T> &p, running<D> &state, float *exchange, int heads,
                           int64_t first_row) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float2 *states = (float2 *)(exchange + warps * tile_rows * D);
#pragma unroll
    for (int h = 0; h < 2; ++h) {
        const int row = warp * tile_rows + lane / 4 + 8 * h;
        float total = state.total[h];
        total += __shfl_xor_sync(0xffffffffu, total, 1);
        total += __shfl_xor_sync(0xffffffffu, total, 2);
        if (lane % 4 == 0)
            states[row] = make_float2(state.most[h], total);
#pragma unroll
        for (int n = 0; n < D / 8; ++n)
            *(float2 *)(exchange + row * D + n * 8 + lane % 4 * 2) =
                make_float2(state.sums[n][2 * h], state.sums[n][2 * h + 1]);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < heads * D; i += threads) {
        const int row = i / D;
        float most = -INFINITY, sum = 0, total = 0;
        for (int w = 0; w < warps; ++w)
            most = fmaxf(most, states[w * tile_rows + row].x);
        for (int w = 0; w < warps; ++w) {
            const float2 own = states[w * tile_rows + row];
            const float weight = own.x == -INFINITY ? 0 : exp2f(own.x - most);
            sum += weight * exchange[(w * tile_rows + row) * D + i % D];
            total += weight * own.y;
        }
        p.part_sums[first_row * D + i] = sum;
        if (i % D == 0)
            p.part_states[first_row + row] = make_float2(most, total);
    }
}

template <typename T, int D> constexpr int ring_vectors = stages * 2 * tile_keys *(D / 8);
template <typename T, int D> constexpr int shared_bytes = warps *ring_vectors<T, D> * 16;

template <typename T, int D>
__device__ void attend_segment(const problem<T> &p, const segment &s, int kv_head, int head_tile,
                               uint4 *shared) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int in_group = head_tile * tile_rows, heads = min(tile_rows, p.group - in_group);
    const int first_head = kv_head * p.group + in_group;
    const int tiles = (s.keys + tile_keys - 1) / tile_keys;
    constexpr int tile_vectors = 2 * tile_keys * (D / 8);
    uint4 *ring = shared + warp * ring_vectors<T, D>;

    /* The page of a tile is looked up one tile before it is copied. */
    int ahead = warp;
    int64_t vector = tiles > 0 ? find_vector(p, s, kv_head, ahead, lane) : 0;
#pragma unroll
    for (int stage = 0; stage < stages - 1; ++stage) {
        if (ahead < tiles)
            copy_tile<T, D>(p, vector, ring + stage * tile_vectors, lane);
        commit_copies();
        ahead += warps;
        if (ahead < tiles)
            vector = find_vector(p, s, kv_head, ahead, lane);
    }
    uint32_t q[D / 16][4];
    load_queries<T, D>(p.q + ((int64_t)s.request * p.qo_heads + first_head) * D, heads, lane, q);
    running<D> state;
    state.clear();
    int stage = 0;
    for (int tile = warp; tile < tiles; tile += warps) {
        if (ahead < tiles)
            copy_tile<T, D>(p, vector, ring + (stage + stages - 1) % stages * tile_vectors, lane);
        commit_copies();
        ahead += warps;
        if (ahead < tiles)
            vector = find_vector(p, s, kv_head, ahead, lane);
        wait_for_copies<stages - 1>();
        __syncwarp();
        attend_tile<T, D>(ring + stage * tile_vectors, q, s.keys - tile * tile_keys, p.scale, lane,
                          state);
        __syncwarp(); /* before the stage is filled again */
        stage = (stage + 1) % stages;
    }
    wait_for_copies<0>();
    __syncthreads(); /* the rings become the place where the warps meet */
    const int64_t part = s.request + (int64_t)blockIdx.x;
    store_part<T, D>(p, state, (float *)shared, heads, part * p.qo_heads + first_head);
    __syncthreads();
}

template <typename T, int D>
__global__ void __launch_bounds__(threads) attend_chunk(const problem<T> p) {
    extern __shared__ uint4 shared[];
    const int kv_head = blockIdx.y / p.head_tiles, head_tile = blockIdx.y % p.head_tiles;
    int page = blockIdx.x * p.chunk_pages;
    const int chunk_end = min(page + p.chunk_pages, p.indices);
    int request = requests_before(p, page, threadIdx.x % 32);
    for (; request < p.requests && page < chunk_end; ++request) {
        const int request_end = p.kv_indptr[request + 1], end = min(request_end, chunk_end);
        if (end <= page)
            continue;
        int keys = (end - page) * p.page_size;
        if (p.last_page_len && end == request_end)
            keys -= p.page_size - p.last_page_len[request];
        const segment s = {request, page, keys};
        attend_segment<T, D>(p, s, kv_head, head_tile, shared);
        page = end;
    }
}

/* What the warps of combine_parts exchange. */
template <int D> struct meeting { float most[warps], totals[warps], sums[warps][D]; };

/* A block per request and query head. */
template <typename T, int D>
__global__ void __launch_bounds__(threads) combine_parts(const problem<T> p) {
    extern __shared__ uint4 shared[];
    meeting<D> &all = *(meeting<D> *)shared;
    const int request = blockIdx.x, head = blockIdx.y;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int first = p.kv_indptr[request], end = p.kv_indptr[request + 1];
    /* As parts: chunks of the first and the last page, plus the request; none: first > last. */
    const int first_part = first / p.chunk_pages + request;
    const int last_part = end > first ? (end - 1) / p.chunk_pages + request : first_part - 1;
    float most = -INFINITY;
    for (int i = first_part + threadIdx.x; i <= last_part; i += threads)
        most = fmaxf(most, p.part_states[(int64_t)i * p.qo_heads + head].x);
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2)
        most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, distance));
    if (lane == 0)
        all.most[warp] = most;
    __syncthreads();
    for (int w = 0; w < warps; ++w)
        most = fmaxf(most, all.most[w]);

    float own[D / 32] = {}, total = 0;
#pragma unroll 4
    for (int i = first_part + warp; i <= last_part; i += warps) {
        const int64_t row = (int64_t)i * p.qo_heads + head;
        const float2 state = p.part_states[row];
        const float weight = state.x == -INFINITY ? 0 : exp2f(state.x - most);
        total += weight * state.y;
#pragma unroll
        for (int n = 0; n < D / 32; ++n)
            own[n] += weight * p.part_sums[row * D + n * 32 + lane];
    }
#pragma unroll
    for (int n = 0; n < D / 32; ++n)
        all.sums[warp][n * 32 + lane] = own[n];
    if (lane == 0)
        all.totals[warp] = total;
    __syncthreads();
    total = 0;
    for (int w = 0; w < warps; ++w)
        total += all.totals[w];
    const int64_t row = (int64_t)request * p.qo_heads + head;
    for (int i = threadIdx.x; i < D; i += threads) {
        float sum = 0;
        for (int w = 0; w < warps; ++w)
            sum += all.sums[w][i];
        p.output[row * D + i] = (T)(total > 0 ? sum / total : 0.0f);
    }
    if (threadIdx.x == 0)
        p.lse[row] = most + log2f(total);
}

#if defined(__CUDACC__)

struct workspace {
    void *memory;
    size_t bytes;
};

/* At least `bytes` of device memory, kept from call to call; NULL when there is none. */
void *find_workspace(size_t bytes) {
    static workspace held;
    if (bytes <= held.bytes)
        return held.memory;
    (void)cudaFree(held.memory); /* waits until the device is done with it */
    held.memory = NULL;
    if (cudaMalloc(&held.memory, bytes) != cudaSuccess) {
        (void)cudaGetLastError();
        held.memory = NULL;
    }
    held.bytes = held.memory ? bytes : 0;
    return held.memory;
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
    constexpr int bytes = shared_bytes<T, D>;
    const int resident = count_resident(attend_chunk<T, D>, bytes);
    if (resident < 1)
        return tm_fail(1, "blocks per device: %s", cudaGetErrorString(cudaGetLastError()));
    const int columns = p.kv_heads * p.head_tiles;
    const int wanted = resident / columns > 1 ? resident / columns : 1;
    const int unit = p.page_size < warps * tile_keys ? warps * tile_keys / p.page_size : 1;
    const int even = (p.indices + wanted - 1) / wanted;
    p.chunk_pages = even > unit ? (even + unit - 1) / unit * unit : unit;
    const int chunks = (p.indices + p.chunk_pages - 1) / p.chunk_pages;
    const size_t rows = ((size_t)chunks + p.requests) * p.qo_heads;
    p.part_sums = (float *)find_workspace(rows * (D * sizeof(float) + sizeof(float2)));
    if (!p.part_sums)
        return tm_fail(1, "no memory for %zu parts of rows", rows);
    p.part_states = (float2 *)(p.part_sums + rows * D);
    if (chunks > 0)
        attend_chunk<T, D><<<dim3(chunks, columns), threads, bytes, stream>>>(p);
    combine_parts<T, D><<<dim3(p.requests, p.qo_heads), threads, sizeof(meeting<D>), stream>>>(p);
    const cudaError_t status = cudaGetLastError();
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}

/* Runs a problem; all but group, tiles, chunks and parts are set. */
template <typename T> int decode(problem<T> p, int64_t head_dim, cudaStream_t stream) {
    if (p.kv_heads < 1 || p.qo_heads % p.kv_heads != 0 || p.qo_heads > 65535)
        return tm_fail(2, "expected query heads in groups per head of keys, got %d and %d",
                       p.qo_heads, p.kv_heads);
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
