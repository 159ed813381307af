/* decode_parts: sums over some of a request's keys: of the warps of a block, which become a part or
 * the output, and of the blocks that share a request, the last of which adds up the parts. Knows
 * nothing of pages or how keys are read. */
#ifndef DECODE_PARTS_H
#define DECODE_PARTS_H

#include "decode_tiles.h"

namespace {

constexpr int warps = 4, threads = 32 * warps;
constexpr int stages = 3; /* of a warp's ring */
constexpr int fan = 16;   /* parts in a group, where a request has more than twice as many */

template <typename T> struct problem {
    const T *q;               /* [requests, qo_heads, D] */
    const T *k, *v;           /* [pages, page_size, kv_heads, D] */
    T *output;                /* [requests, qo_heads, D] */
    float *lse;               /* [requests, qo_heads] */
    const int *kv_indptr;     /* [requests + 1], ascending */
    const int *kv_indices;    /* [indices] */
    const int *last_page_len; /* [requests], or NULL: full */
    float *part_sums;         /* [parts, qo_heads, D] */
    float2 *part_states;      /* [parts, qo_heads]: largest logit, sum of weights relative to it */
    int *arrived;             /* [counters, kv_heads * head_tiles]; 0 between launches */
    int requests, qo_heads, kv_heads, group, head_tiles, page_size, indices, chunk_keys, chunks;
    float scale; /* of logits in base 2 */
};

/* The query heads of a block. */
struct rows {
    int first_head, heads;
};

template <int D> constexpr int tile_vectors = 2 * tile_keys *(D / 8);
template <int D> constexpr int ring_vectors = stages *tile_vectors<D>;

/* What the warps of a block tell each other. */
struct meeting {
    float2 states[warps * tile_rows];
    int stages[warps]; /* of each ring: where the warp's sums are */
    int complete[2];
};

template <int D> constexpr int shared_bytes = warps *ring_vectors<D> * 16 + (int)sizeof(meeting);

/* Where a request begins, in slots for keys; the last one's end, too. */
template <typename T> __device__ int first_slot(const problem<T> &p, int request) {
    return min(p.kv_indptr[request], p.indices) * p.page_size;
}

template <typename T>
__device__ int64_t query_row(const problem<T> &p, int request, const rows &r) {
    return (int64_t)request * p.qo_heads + r.first_head;
}

/* The chunks that a request with pages lies in, each of which has a part of it. */
struct spread {
    int first_chunk, parts;
};

template <typename T> __device__ spread find_spread(const problem<T> &p, int request) {
    const int first = first_slot(p, request) / p.chunk_keys;
    return {first, (first_slot(p, request + 1) - 1) / p.chunk_keys - first + 1};
}

/* Groups of parts are parts, too, numbered behind the others; one of a request's differs from any
 * other's as parts do. */
template <typename T>
__device__ int first_group(const problem<T> &p, const spread &s, int request) {
    return p.chunks + p.requests + s.first_chunk / fan + request;
}

template <typename T> int count_parts(const problem<T> &p) {
    return 2 * p.requests + p.chunks + p.chunks / fan + 1;
}

/* A counter for each request, then for each group. */
template <typename T> int count_counters(const problem<T> &p) {
    return 2 * p.requests + p.chunks / fan + 1;
}

/* Four elements of a row, and of the row the largest logit and the sum of weights. */
struct sum {
    float most, total;
    float4 of;
};

__device__ inline sum no_sum() {
    return {-INFINITY, 0, {0, 0, 0, 0}};
}

/* Adds `more`, whose weights are relative to `most`, as those of `to`. */
__device__ inline void add_weighted(sum &to, const float2 &state, const float4 &more) {
    const float weight = state.x == -INFINITY ? 0 : exp2f(state.x - to.most);
    to.total += weight * state.y;
    to.of.x += weight * more.x;
    to.of.y += weight * more.y;
    to.of.z += weight * more.z;
    to.of.w += weight * more.w;
}

/* The same sum relative to a logit that is not smaller. */
__device__ inline void raise(sum &s, float most) {
    const sum old = s;
    s = no_sum();
    s.most = most;
    add_weighted(s, {old.most, old.total}, old.of);
}

struct alignas(8) four {
    uint32_t low, high; /* two elements each */
};

/* Vector i of a block's rows, counted through them, of a request's output. */
template <typename T, int D>
__device__ void store_output(const problem<T> &p, int request, int first_head, int i,
                             const sum &s) {
    const int64_t row = (int64_t)request * p.qo_heads + first_head;
    const float scale = s.total > 0 ? 1 / s.total : 0;
    *(four *)(p.output + row * D + i * 4) = {pack_pair(s.of.x * scale, s.of.y * scale, T()),
                                             pack_pair(s.of.z * scale, s.of.w * scale, T())};
    if (i % (D / 4) == 0)
        p.lse[row + i / (D / 4)] = s.most + log2f(s.total);
}

/* The same of a part. */
template <typename T, int D>
__device__ void store_part(const problem<T> &p, int part, int first_head, int i, const sum &s) {
    const int64_t row = (int64_t)part * p.qo_heads + first_head;
    *(float4 *)(p.part_sums + row * D + i * 4) = s.of;
    if (i % (D / 4) == 0)
        p.part_states[row + i / (D / 4)] = make_float2(s.most, s.total);
}

/* A warp's sums take a stage of its ring: row by row, vector i of four at i ^ (row % 8 * 2), so
 * that four rows' same vectors are in different banks. */
template <int D> __device__ int sums_at(int row, int i) {
    return row * (D / 4) + (i ^ (row % 8 * 2));
}

/* Shows the other warps the sums so far. */
template <int D>
__device__ void show_sums(const running<D> &state, uint4 *shared, int stage, int heads,
                          meeting &all) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float4 *to = (float4 *)(shared + warp * ring_vectors<D> + stage * tile_vectors<D>);
    if (lane == 0)
        all.stages[warp] = stage;
#pragma unroll
    for (int h = 0; h < 2; ++h) {
        const int row = lane / 4 + 8 * h;
        float total = state.total[h];
        total += __shfl_xor_sync(0xffffffffu, total, 1);
        total += __shfl_xor_sync(0xffffffffu, total, 2);
        if (row >= heads)
            continue;
        if (lane % 4 == 0)
            all.states[warp * tile_rows + row] = make_float2(state.most[h], total);
#pragma unroll
        for (int n = 0; n < D / 8; ++n)
            ((float2 *)(to + sums_at<D>(row, n * 2 + lane % 4 / 2)))[lane % 2] =
                make_float2(state.sums[n][2 * h], state.sums[n][2 * h + 1]);
    }
}

/* Adds up what the warps have shown and stores it as the block's part of the request, or as the
 * output when nobody shares it. */
template <typename T, int D>
__device__ void store_sums(const problem<T> &p, const uint4 *shared, const meeting &all,
                           int request, bool is_shared, const rows &r) {
#pragma unroll 1
    for (int i = threadIdx.x; i < r.heads * (D / 4); i += threads) {
        const int row = i / (D / 4);
        sum s = no_sum();
        for (int w = 0; w < warps; ++w)
            s.most = fmaxf(s.most, all.states[w * tile_rows + row].x);
        for (int w = 0; w < warps; ++w) {
            const float4 *from =
                (const float4 *)(shared + w * ring_vectors<D> + all.stages[w] * tile_vectors<D>);
            add_weighted(s, all.states[w * tile_rows + row], from[sums_at<D>(row, i % (D / 4))]);
        }
        if (is_shared)
            store_part<T, D>(p, request + (int)blockIdx.x, r.first_head, i, s);
        else
            store_output<T, D>(p, request, r.first_head, i, s);
    }
}

/* The sum of parts that follow each other, of which other blocks have stored some. */
template <typename T, int D>
__device__ sum add_parts(const problem<T> &p, int first, int count, int first_head, int i) {
    constexpr int at_once = 8; /* loads that wait together */
    const int row = first_head + i / (D / 4), column = i % (D / 4) * 4;
    sum s = no_sum();
#pragma unroll 1
    for (int part = 0; part < count; part += at_once) {
        float2 states[at_once];
        float4 sums[at_once];
        float most = s.most;
#pragma unroll
        for (int n = 0; n < at_once; ++n) {
            states[n] = make_float2(-INFINITY, 0);
            sums[n] = {0, 0, 0, 0};
            if (part + n < count) {
                const int64_t at = (int64_t)(first + part + n) * p.qo_heads + row;
                states[n] = __ldcg(p.part_states + at);
                sums[n] = __ldcg((const float4 *)(p.part_sums + at * D + column));
            }
        }
#pragma unroll
        for (int n = 0; n < at_once; ++n)
            most = fmaxf(most, states[n].x);
        raise(s, most);
#pragma unroll
        for (int n = 0; n < at_once; ++n)
            add_weighted(s, states[n], sums[n]);
    }
    return s;
}

/* Whether this thread's block is the last of `expected` to count itself. What the block stored
 * before a barrier is seen by the last one. */
__device__ inline bool arrive(int *count, int expected) {
    __threadfence();
    if (atomicAdd(count, 1) != expected - 1)
        return false;
    *count = 0; /* for the next launch */
    __threadfence();
    return true;
}

/* Requests of which a block has a part only: its first and its last one at most; -1: none. */
struct shared_requests {
    int first, last;
};

/* Parts that become one, or a request's output. */
struct gathering {
    int first, count; /* parts */
    int counter;      /* where the blocks that have them arrive */
    int to;           /* the part, or -1 */
};

/* What this block's part of a request waits for; in a second round, its group. */
template <typename T>
__device__ gathering find_gathering(const problem<T> &p, int request, int round) {
    const spread s = find_spread(p, request);
    const int first = s.first_chunk + request, groups = first_group(p, s, request);
    if (s.parts <= 2 * fan)
        return {first, round == 0 ? s.parts : 0, request, -1};
    if (round > 0)
        return {groups, (s.parts + fan - 1) / fan, request, -1};
    const int group = ((int)blockIdx.x - s.first_chunk) / fan;
    return {first + group * fan, min(fan, s.parts - group * fan), groups + group - p.chunks,
            groups + group};
}

/* Counts the block's parts as there, and adds up those whose last one it brings. */
template <typename T, int D>
__device__ void gather_parts(const problem<T> &p, const shared_requests &shared, meeting &all,
                             const rows &r) {
    const int columns = p.kv_heads * p.head_tiles;
#pragma unroll 1
    for (int round = 0; round < 2; ++round) {
        __syncthreads(); /* behind what all threads have stored */
        if (threadIdx.x < 2) {
            const int request = threadIdx.x == 0 ? shared.first : shared.last;
            bool complete = request >= 0 && (round == 0 || all.complete[threadIdx.x]);
            if (complete) {
                const gathering g = find_gathering(p, request, round);
                complete = g.count > 0 &&
                           arrive(p.arrived + (int64_t)g.counter * columns + blockIdx.y, g.count);
            }
            all.complete[threadIdx.x] = complete;
        }
        __syncthreads();
        bool again = false;
#pragma unroll 1
        for (int n = 0; n < 2; ++n) {
            if (!all.complete[n])
                continue;
            const int request = n == 0 ? shared.first : shared.last;
            const gathering g = find_gathering(p, request, round);
            again = again || g.to >= 0;
#pragma unroll 1
            for (int i = threadIdx.x; i < r.heads * (D / 4); i += threads) {
                const sum s = add_parts<T, D>(p, g.first, g.count, r.first_head, i);
                if (g.to >= 0)
                    store_part<T, D>(p, g.to, r.first_head, i, s);
                else
                    store_output<T, D>(p, request, r.first_head, i, s);
            }
        }
        if (!again)
            return;
    }
}

} // namespace

#endif
