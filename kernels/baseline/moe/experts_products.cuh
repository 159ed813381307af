/* experts_products: the two products of experts. A block of threads, two groups of four warps,
 * multiplies 128 rows of an expert's weights with a tile of ROWS rows, 128 elements of the sum at a
 * time, and goes on to the next of its tiles. The weights are the operand that fills 64 rows of the
 * tensor cores, the tile the one whose width is free. The first product is of fp8, the second,
 * whose operand the definition does not round, of float16 with a power of two per row and 64
 * elements; sums are promoted to float32 with their scales after each 128 and 64.
 *
 * Included behind contract.h. */
#ifndef TM_BASELINE_EXPERTS_PRODUCTS_CUH
#define TM_BASELINE_EXPERTS_PRODUCTS_CUH

#include "experts.cuh"

namespace {

/* How blocks for tiles of ROWS use a multiprocessor. A stage of the first product has 256 elements
 * of the sum, one of the second 128 (of weights one line, of rows two); behind the stages are the
 * rows' scales of each. All but one are ahead of the tensor cores. */
template <int ROWS> struct shape {
    static constexpr int blocks = ROWS == 16 ? 2 : 1; /* of a multiprocessor */
    static constexpr int across = ROWS / 8;           /* fragments of 8 rows */
    static constexpr int own_rows = (ROWS + 31) / 32; /* that a thread copies a chunk of */
    static constexpr int first_stages = ROWS == 64 ? 4 : 3;
    static constexpr int first_half = (columns + ROWS) * line;
    static constexpr int first_bytes =
        first_stages * 2 * (first_half + ROWS * 4) + warps * ROWS * 4 + ROWS * line;
    static constexpr int second_stages = ROWS == 64 ? 6 : ROWS == 16 ? 5 : 4;
    static constexpr int second_stage = (columns + 2 * ROWS) * line;
    static constexpr int second_bytes = second_stages * (second_stage + 2 * ROWS * 4);
};

/* A tile of rows and of columns. Tiles of the same rows are neighbours, and so are those of the
 * same expert: what runs at the same time reads the same. */
struct place {
    int expert, begin, end;
    int64_t column;
};

__device__ __forceinline__ place place_of(const experts &job, int tile, int across, int width) {
    const int at = tile / across;
    place out;
    out.expert = job.tile_expert[at];
    out.begin = job.tile_row[at];
    out.end = job.first[out.expert + 1];
    out.column = (int64_t)(tile % across) * width;
    return out;
}

/* The power of two that makes `highest` 2^14 to 2^15 when divided by it, and its inverse. */
__device__ __forceinline__ float scale_for(float highest, float &inverse) {
    uint32_t exponent = float_bits(highest) >> 23;
    inverse = 1;
    if (exponent == 255)
        return 1;
    exponent = exponent < 40 ? 40 : exponent;
    inverse = bits_float((268 - exponent) << 23);
    return bits_float((exponent - 14) << 23);
}

/* up and gate, the activation: rows of the tile of weights alternate, eight of up and eight of
 * gate, which gives a lane both. */
template <int ROWS>
__global__ void __launch_bounds__(threads, shape<ROWS>::blocks) first_product(const experts job) {
    using S = shape<ROWS>;
    constexpr int ahead = S::first_stages - 1, halves = 2 * S::first_stages;
    SHARED_BYTES(memory);
    float *const scales = reinterpret_cast<float *>(memory + halves * S::first_half);
    float *const highest = scales + halves * ROWS; /* [warps][ROWS] */
    unsigned char *const staged = reinterpret_cast<unsigned char *>(highest + warps * ROWS);
    const int own = (int)threadIdx.x, warp = own / lanes, lane = own % lanes;
    const int across = (int)job.inner / half_columns, tiles = *job.tile_count * across;
    const int steps = (int)job.hidden / depth, turns = (steps + 1) / 2;
    const int copied = chunk_at(own / 8, own % 8); /* of each 32 rows */

    place at = {};
    const uint8_t *weights = nullptr;
    int32_t token[S::own_rows], scale_token = -1;
    /* Half of a stage, zeros behind the last. */
    const auto fetch_half = [&](int half, int step) {
        const bool exists = step < steps;
        const int64_t offset = exists ? step * depth : 0;
        unsigned char *const to = memory + half * S::first_half + copied;
#pragma unroll
        for (int i = 0; i < columns / 32; ++i)
            copy_async(to + i * 32 * line, weights + i * 16 * job.hidden + offset, exists);
#pragma unroll
        for (int i = 0; i < S::own_rows; ++i) {
            if (ROWS % 32 != 0 && own / 8 >= ROWS)
                continue;
            const bool has = exists && token[i] >= 0;
            copy_async(
                to + (columns + i * 32) * line,
                job.hidden_states + (has ? token[i] : 0) * job.hidden + offset + own % 8 * 16, has);
        }
        if (own < ROWS) {
            const bool has = exists && scale_token >= 0;
            copy_async_4(
                scales + half * ROWS + own,
                job.hidden_states_scale + (has ? step * job.scale_stride + scale_token : 0), has);
        }
    };
    const auto fetch_turn = [&](int turn) {
        if (turn < turns) {
            const int half = turn % S::first_stages * 2;
            fetch_half(half, 2 * turn);
            fetch_half(half + 1, 2 * turn + 1);
        }
        copy_commit();
    };
    const auto open = [&](int tile) {
        at = place_of(job, tile, across, half_columns);
        const int64_t row = at.column + own / 8 / 16 * 8 + own / 8 % 8 + own / 64 % 2 * job.inner;
        weights = job.gemm1_weights + ((int64_t)at.expert * 2 * job.inner + row) * job.hidden +
                  own % 8 * 16;
#pragma unroll
        for (int i = 0; i < S::own_rows; ++i) {
            const int to = at.begin + own / 8 + i * 32;
            token[i] = to < at.end ? job.token_of[to] : -1;
        }
        if (own < ROWS)
            scale_token = at.begin + own < at.end ? job.token_of[at.begin + own] : -1;
        for (int turn = 0; turn < ahead; ++turn)
            fetch_turn(turn);
    };

    int tile = (int)blockIdx.x;
    if (tile < tiles)
        open(tile);
    for (; tile < tiles; tile += (int)gridDim.x) {
        const place now = at;
        const float *const up_scale =
            job.gemm1_scale + ((int64_t)at.expert * 2 * job.inner + at.column) / depth * steps;
        const float *const gate_scale = up_scale + job.inner / depth * steps;
        float sum[S::across][4] = {}, part[2][S::across][4] = {};
        const auto promote = [&](const float(&from)[S::across][4], int half, float up, float gate) {
            const float *const factor = scales + half * ROWS + lane % 4 * 2;
#pragma unroll
            for (int j = 0; j < S::across; ++j) {
                const float2 two = *reinterpret_cast<const float2 *>(factor + j * 8);
                sum[j][0] += from[j][0] * (two.x * up);
                sum[j][1] += from[j][1] * (two.y * up);
                sum[j][2] += from[j][2] * (two.x * gate);
                sum[j][3] += from[j][3] * (two.y * gate);
            }
        };
        for (int turn = 0; turn < turns; ++turn) {
            const int half = turn % S::first_stages * 2;
            const int first = 2 * turn, second = first + 1 < steps ? first + 1 : first;
            const float up[2] = {up_scale[first], up_scale[second]};
            const float gate[2] = {gate_scale[first], gate_scale[second]};
            copy_wait<ahead - 1>();
            publish_shared();
            __syncthreads();
            const unsigned char *const a = memory + half * S::first_half;
            const unsigned char *const of_group = a + warp / 4 * 64 * line;
            group_open();
            group_multiply(part[0], of_group, a + columns * line);
            group_commit();
            group_multiply(part[1], of_group + S::first_half, a + S::first_half + columns * line);
            group_commit();
            fetch_turn(turn + ahead);
            group_wait<1>(part[0]);
            promote(part[0], half, up[0], gate[0]);
            group_wait<0>(part[1]);
            promote(part[1], half + 1, up[1], gate[1]);
        }
        __syncthreads();
        if (tile + (int)gridDim.x < tiles)
            open(tile + (int)gridDim.x);

#pragma unroll
        for (int j = 0; j < S::across; ++j) {
#pragma unroll
            for (int c = 0; c < 2; ++c) {
                const float gate = sum[j][2 + c];
                sum[j][c] *= gate / (1.0f + expf(-gate));
                float most = fabsf(sum[j][c]);
#pragma unroll
                for (int distance = 4; distance < lanes; distance *= 2)
                    most = fmaxf(most, __shfl_xor_sync(all_lanes, most, distance));
                if (lane < 4)
                    highest[warp * ROWS + j * 8 + lane * 2 + c] = most;
            }
        }
        __syncthreads();
        if (own < ROWS) {
            float all = 0, inverse;
            for (int i = 0; i < warps; ++i)
                all = fmaxf(all, highest[i * ROWS + own]);
            const float scale = scale_for(all, inverse);
            highest[own] = inverse;
            if (now.begin + own < now.end)
                job.gated_scale[now.column / half_columns * job.tokens * job.top_k + now.begin +
                                own] = scale;
        }
        __syncthreads();
        const int to = gated_column(warp * 8 + lane / 4);
#pragma unroll
        for (int j = 0; j < S::across; ++j) {
#pragma unroll
            for (int c = 0; c < 2; ++c) {
                const int row = j * 8 + lane % 4 * 2 + c;
                *reinterpret_cast<uint16_t *>(staged + chunk_at(row, to / 8) + to % 8 * 2) =
                    float16_bits(sum[j][c] * highest[row]);
            }
        }
        __syncthreads();
        for (int i = own; i < ROWS * 8; i += threads) {
            const int row = now.begin + i / 8;
            if (row < now.end)
                *reinterpret_cast<uint4 *>(job.gated + row * job.inner + now.column + i % 8 * 8) =
                    *reinterpret_cast<const uint4 *>(staged + chunk_at(i / 8, i % 8));
        }
    }
}

/* The way back: a stage has the weights, then the rows' 128 elements as two halves of 128 bytes. */
template <int ROWS>
__global__ void __launch_bounds__(threads, shape<ROWS>::blocks) second_product(const experts job) {
    using S = shape<ROWS>;
    constexpr int ahead = S::second_stages - 1;
    SHARED_BYTES(memory);
    float *const scales = reinterpret_cast<float *>(memory + S::second_stages * S::second_stage);
    const int own = (int)threadIdx.x, warp = own / lanes, lane = own % lanes;
    const int across = (int)job.hidden / columns, tiles = *job.tile_count * across;
    const int steps = (int)job.inner / depth;
    const int copied = chunk_at(own / 8, own % 8);
    const int64_t slots = job.tokens * job.top_k;

    place at = {};
    const uint8_t *weights = nullptr;
    const uint16_t *rows = nullptr;
    const auto fetch_step = [&](int step) {
        if (step < steps) {
            const int stage = step % S::second_stages;
            unsigned char *const to = memory + stage * S::second_stage + copied;
#pragma unroll
            for (int i = 0; i < columns / 32; ++i)
                copy_async(to + i * 32 * line, weights + i * 32 * job.inner + step * depth, true);
#pragma unroll
            for (int i = 0; i < 2 * S::own_rows; ++i) {
                const int row = own / 8 + i / 2 * 32;
                if (row < ROWS)
                    copy_async(to + (columns + i % 2 * ROWS + i / 2 * 32) * line,
                               rows + i / 2 * 32 * job.inner + step * depth + i % 2 * (depth / 2),
                               row < at.end - at.begin);
            }
            if (own < 2 * ROWS) {
                const int row = at.begin + own % ROWS;
                copy_async_4(scales + stage * 2 * ROWS + own,
                             job.gated_scale + (2 * step + own / ROWS) * slots + row, row < at.end);
            }
        }
        copy_commit();
    };
    const auto open = [&](int tile) {
        at = place_of(job, tile, across, columns);
        weights = job.gemm2_weights +
                  ((int64_t)at.expert * job.hidden + at.column + own / 8) * job.inner +
                  own % 8 * 16;
        rows = job.gated + (at.begin + own / 8) * job.inner + own % 8 * 8;
        for (int step = 0; step < ahead; ++step)
            fetch_step(step);
    };

    int tile = (int)blockIdx.x;
    if (tile < tiles)
        open(tile);
    for (; tile < tiles; tile += (int)gridDim.x) {
        const place now = at;
        const float *const scale =
            job.gemm2_scale + ((int64_t)at.expert * job.hidden + at.column) / depth * steps;
        float sum[S::across][4] = {}, part[2][S::across][4] = {};
        const auto promote = [&](const float(&from)[S::across][4], int half, float of_weights) {
            const float *const factor = scales + half * ROWS + lane % 4 * 2;
#pragma unroll
            for (int j = 0; j < S::across; ++j) {
                float2 two = *reinterpret_cast<const float2 *>(factor + j * 8);
                two.x *= of_weights;
                two.y *= of_weights;
#pragma unroll
                for (int c = 0; c < 4; ++c)
                    sum[j][c] += from[j][c] * (c % 2 ? two.y : two.x);
            }
        };
        const auto widen_half = [&](uint32_t(&wide)[4][4], const unsigned char *a, int half) {
#pragma unroll
            for (int k = 0; k < 4; k += 2) {
                uint32_t four[4]; /* [chunk of 16 weights][row, row + 8] */
                load_rows(four, a, warp * 16, half * 4 + k);
#pragma unroll
                for (int i = 0; i < 4; ++i)
                    widen_e4m3(four[i], wide[k + i / 2][i % 2], wide[k + i / 2][i % 2 + 2]);
            }
        };
        for (int step = 0; step < steps; ++step) {
            const int stage = step % S::second_stages;
            const float of_weights = scale[step];
            copy_wait<ahead - 1>();
            publish_shared();
            __syncthreads();
            const unsigned char *const a = memory + stage * S::second_stage;
            const unsigned char *const b = a + columns * line;
            fetch_step(step + ahead);
            uint32_t wide[2][4][4];
            widen_half(wide[0], a, 0);
            group_open();
            group_multiply(part[0], wide[0], b);
            group_commit();
            widen_half(wide[1], a, 1);
            group_open();
            group_multiply(part[1], wide[1], b + ROWS * line);
            group_commit();
            group_wait<1>(part[0]);
            promote(part[0], stage * 2, of_weights);
            group_wait<0>(part[1]);
            promote(part[1], stage * 2 + 1, of_weights);
        }
        __syncthreads();
        if (tile + (int)gridDim.x < tiles)
            open(tile + (int)gridDim.x);
#pragma unroll
        for (int j = 0; j < S::across; ++j) {
#pragma unroll
            for (int c = 0; c < 2; ++c) {
                const int row = now.begin + j * 8 + lane % 4 * 2 + c;
                if (row >= now.end)
                    continue;
                float *const to = job.result + row * job.hidden + now.column + warp * 16 + lane / 4;
                to[0] = sum[j][c];
                to[8] = sum[j][2 + c];
            }
        }
    }
}

} // namespace

#endif
