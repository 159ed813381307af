/* decode_tiles: what a warp of paged decode does with a tile of 16 keys and values in shared
 * memory: logits and weighted sums of up to 16 query heads, the rows, as the softmax so far of a
 * lane. Knows nothing of requests, pages or other warps. */
#ifndef DECODE_TILES_H
#define DECODE_TILES_H

#include "warp_tiles.h"

namespace {

constexpr int tile_rows = 16, tile_keys = 16;

/* Shared memory holds rows of D elements as D / 8 vectors of 16 bytes; vector i of row r lies at
 * i ^ (r % 8), so that eight rows' same vectors are in different banks. */
template <int D> __device__ int vector_at(int row, int i) {
    return row * (D / 8) + (i ^ (row % 8));
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

} // namespace

#endif
