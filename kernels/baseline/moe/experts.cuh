/* experts: experts of fp8 weights in 128 x 128 blocks, on the tensor cores. Rows (choices of
 * tokens) are sorted by expert and cut into tiles; a block of threads multiplies a tile with 128
 * rows of the expert's weights, 128 elements of the sum at a time, which is one scale: the first
 * product in fp8, the second, whose operand the definition does not round, in bfloat16. Both are
 * promoted to float32 with their scales after each 128.
 *
 * Included behind contract.h. Deliberately does not know how experts are chosen. */
#ifndef TM_BASELINE_EXPERTS_CUH
#define TM_BASELINE_EXPERTS_CUH

#include "tensor_core.cuh"

namespace {

constexpr int lanes = 32, warps = 8, threads = warps * lanes;
constexpr int depth = 128;   /* elements of a sum per stage, and per scale */
constexpr int columns = 128; /* rows of weights per tile */
constexpr int line = 128;    /* bytes of a row of shared memory: eight chunks of 16 */
constexpr int half_columns = columns / 2;
constexpr int most_experts = 1024;

struct experts {
    int64_t tokens, hidden, inner;
    int local_experts, top_k;
    const uint8_t *hidden_states;     /* [tokens, hidden] */
    const float *hidden_states_scale; /* [hidden / 128, scale_stride] */
    int64_t scale_stride;
    const uint8_t *gemm1_weights; /* [local_experts, 2 inner, hidden] */
    const float *gemm1_scale;
    const uint8_t *gemm2_weights; /* [local_experts, hidden, inner] */
    const float *gemm2_scale;
    uint16_t *output; /* [tokens, hidden], bfloat16 */
    /* Slots: a token's choices. */
    int32_t *expert;   /* [tokens * top_k], -1: elsewhere */
    float *weight;     /* [tokens * top_k] */
    int32_t *position; /* [tokens * top_k], among the rows of its expert; then the row */
    int32_t *count;    /* [local_experts] */
    int32_t *first;    /* [local_experts + 1], rows */
    int32_t *token_of; /* [rows] */
    int32_t *tile_expert, *tile_row, *tile_count;
    /* [rows, 2, inner], bfloat16, in the order of gated_column(): numbers, and what they lack. */
    uint16_t *gated;
    float *result; /* [rows, hidden] */
};

__device__ __forceinline__ float bits_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Where a chunk of 16 bytes of a row lies in shared memory: eight rows that are read at once lie in
 * different banks. */
__device__ __forceinline__ int chunk_at(int row, int chunk) {
    return row * line + ((chunk ^ (row & 7)) << 4);
}

/* The second product reads four neighbouring fp8 weights per lane, which a bfloat16 fragment has as
 * elements 2 t, 2 t + 1, 2 t + 8 and 2 t + 9 of sixteen. The sum does not mind its order, so the
 * other operand is stored in that one: of column 4 t + i, i even. */
__device__ __forceinline__ int64_t gated_column(int64_t column) {
    const int in_group = (int)(column & 15);
    return column - in_group + ((in_group & 2) << 2) + (in_group >> 2 << 1) + (in_group & 1);
}

/* Four e4m3 as bfloat16 in the order above. NaN becomes 480. */
__device__ __forceinline__ void widen(uint32_t four, uint32_t out[2]) {
    const uint32_t low = pick_bytes(four, 0, 0x1404), high = pick_bytes(four, 0, 0x3424);
    out[0] = raise_bfloat16((low & 0x80008000u) | (low >> 4 & 0x07f007f0u));
    out[1] = raise_bfloat16((high & 0x80008000u) | (high >> 4 & 0x07f007f0u));
}

/* ---- rows in the order of the experts ---- */

/* One block. Sums of counts, and the tiles. */
__global__ void plan_tiles(const experts job, const int tile_rows) {
    SHARED_BYTES(memory);
    int32_t *rows = reinterpret_cast<int32_t *>(memory), *tiles = rows + most_experts;
    const int e = (int)threadIdx.x;
    const int own = e < job.local_experts ? job.count[e] : 0;
    const int own_tiles = (own + tile_rows - 1) / tile_rows;
    rows[e] = own;
    tiles[e] = own_tiles;
    __syncthreads();
    for (int distance = 1; distance < most_experts; distance *= 2) {
        const int more_rows = e >= distance ? rows[e - distance] : 0;
        const int more_tiles = e >= distance ? tiles[e - distance] : 0;
        __syncthreads();
        rows[e] += more_rows;
        tiles[e] += more_tiles;
        __syncthreads();
    }
    if (e < job.local_experts) {
        job.first[e + 1] = rows[e];
        for (int i = 0; i < own_tiles; ++i) {
            job.tile_expert[tiles[e] - own_tiles + i] = e;
            job.tile_row[tiles[e] - own_tiles + i] = rows[e] - own + i * tile_rows;
        }
    }
    if (e == 0) {
        job.first[0] = 0;
        *job.tile_count = tiles[most_experts - 1];
    }
}

__global__ void place_rows(const experts job) {
    const int64_t slot = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (slot >= job.tokens * job.top_k || job.expert[slot] < 0)
        return;
    const int32_t row = job.first[job.expert[slot]] + job.position[slot];
    job.position[slot] = row;
    job.token_of[row] = (int32_t)(slot / job.top_k);
}

/* ---- products ---- */

/* How a tile of ROWS x 128 is shared out over the warps. */
template <int ROWS> struct shape {
    static constexpr int warps_down = ROWS >= 64 ? 2 : 1, warps_across = warps / warps_down;
    static constexpr int down = ROWS / warps_down / 16;       /* fragments of 16 rows per warp */
    static constexpr int across = columns / warps_across / 8; /* fragments of 8 columns */
    static constexpr int stages = ROWS == 16 ? 4 : 3;
    static constexpr int first_bytes =
        (ROWS + columns) * line; /* of a stage of the first product */
    static constexpr int second_stages = ROWS == 128 ? 2 : stages;
    static constexpr int second_bytes = (4 * ROWS + columns) * line;
};

/* Begins the copy of COUNT rows of 128 bytes into shared memory. `source(row)` points to a row, or
 * is null: zeros. */
template <int COUNT, typename S>
__device__ __forceinline__ void fetch(unsigned char *to, const void *any, S source) {
#pragma unroll 2
    for (int i = (int)threadIdx.x; i < COUNT * 8; i += threads) {
        const uint8_t *from = source(i / 8);
        copy_async(to + chunk_at(i / 8, i % 8), from ? from + i % 8 * 16 : any, from != nullptr);
    }
}

/* Fragments of 16 rows x 32 bytes and of 16 columns x 32 bytes. */
__device__ __forceinline__ void load_rows(uint32_t out[4], const unsigned char *from, int row,
                                          int chunk) {
    const int lane = (int)threadIdx.x % lanes;
    load_matrices(out, from + chunk_at(row + lane % 16, chunk + lane / 16));
}

__device__ __forceinline__ void load_columns(uint32_t out[4], const unsigned char *from, int row,
                                             int chunk) {
    const int lane = (int)threadIdx.x % lanes;
    load_matrices(out, from + chunk_at(row + lane % 8 + lane / 16 * 8, chunk + lane / 8 % 2));
}

/* up and gate, the activation: columns of the tile alternate, eight of up and eight of gate. */
template <int ROWS> __global__ void __launch_bounds__(threads) first_product(const experts job) {
    using S = shape<ROWS>;
    SHARED_BYTES(memory);
    if ((int)blockIdx.y >= *job.tile_count)
        return;
    const int expert = job.tile_expert[blockIdx.y], begin = job.tile_row[blockIdx.y];
    const int end = job.first[expert + 1];
    const int64_t column = (int64_t)blockIdx.x * half_columns, steps = job.hidden / depth;
    const int warp = (int)threadIdx.x / lanes, lane = (int)threadIdx.x % lanes;
    const int row = warp / S::warps_across * S::down * 16;
    const int across = warp % S::warps_across * S::across * 8;
    const uint8_t *weights = job.gemm1_weights + (int64_t)expert * 2 * job.inner * job.hidden;
    const float *up_scale =
        job.gemm1_scale + ((int64_t)expert * 2 * job.inner + column) / depth * steps;
    const float *gate_scale = up_scale + job.inner / depth * steps;

    const auto fetch_step = [&](int64_t step) {
        if (step < steps) {
            unsigned char *to = memory + step % S::stages * S::first_bytes;
            fetch<ROWS>(to, weights, [&](int r) -> const uint8_t * {
                if (begin + r >= end)
                    return nullptr;
                const int64_t token = job.token_of[begin + r];
                return job.hidden_states + token * job.hidden + step * depth;
            });
            fetch<columns>(to + ROWS * line, weights, [&](int r) {
                const int64_t at = column + r / 16 * 8 + r % 8 + (r / 8 % 2) * job.inner;
                return weights + at * job.hidden + step * depth;
            });
        }
        copy_commit();
    };
    for (int step = 0; step < S::stages - 1; ++step)
        fetch_step(step);

    int32_t token[S::down][2]; /* of this lane's rows */
#pragma unroll
    for (int i = 0; i < S::down; ++i) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            const int at = begin + row + i * 16 + h * 8 + lane / 4;
            token[i][h] = job.token_of[at < end ? at : begin];
        }
    }
    float sum[S::down][S::across][4] = {};
    for (int64_t step = 0; step < steps; ++step) {
        const float scales[2] = {up_scale[step], gate_scale[step]};
        const float *step_scale = job.hidden_states_scale + step * job.scale_stride;
        float factor[S::down][2];
#pragma unroll
        for (int i = 0; i < S::down; ++i) {
#pragma unroll
            for (int h = 0; h < 2; ++h)
                factor[i][h] = step_scale[token[i][h]];
        }
        copy_wait<S::stages - 2>();
        __syncthreads();
        fetch_step(step + S::stages - 1);
        const unsigned char *a = memory + step % S::stages * S::first_bytes, *b = a + ROWS * line;
        float part[S::down][S::across][4] = {};
#pragma unroll(ROWS == 128 ? 1 : 4) /* registers run out */
        for (int k = 0; k < 8; k += 2) {
            uint32_t rows[S::down][4];
#pragma unroll
            for (int i = 0; i < S::down; ++i)
                load_rows(rows[i], a, row + i * 16, k);
#pragma unroll
            for (int j = 0; j < S::across; j += 2) {
                uint32_t two[4];
                load_columns(two, b, across + j * 8, k);
#pragma unroll
                for (int i = 0; i < S::down; ++i) {
                    multiply_e4m3(part[i][j], rows[i], two);
                    multiply_e4m3(part[i][j + 1], rows[i], two + 2);
                }
            }
        }
#pragma unroll
        for (int i = 0; i < S::down; ++i) {
#pragma unroll
            for (int j = 0; j < S::across; ++j) {
#pragma unroll
                for (int c = 0; c < 4; ++c)
                    sum[i][j][c] += part[i][j][c] * (factor[i][c / 2] * scales[j % 2]);
            }
        }
    }
#pragma unroll
    for (int i = 0; i < S::down; ++i) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            const int at = begin + row + i * 16 + h * 8 + lane / 4;
            if (at >= end)
                continue;
#pragma unroll
            for (int j = 0; j < S::across; j += 2) {
                float out[2];
#pragma unroll
                for (int c = 0; c < 2; ++c) {
                    const float gate = sum[i][j + 1][2 * h + c];
                    out[c] = gate / (1.0f + expf(-gate)) * sum[i][j][2 * h + c];
                }
                const int64_t to = gated_column(column + (across + j * 8) / 2 + lane % 4 * 2);
                uint16_t *gated = job.gated + 2 * at * job.inner + to;
                const uint32_t two = pack_bfloat16(out[0], out[1]);
                *reinterpret_cast<uint32_t *>(gated) = two;
                *reinterpret_cast<uint32_t *>(gated + job.inner) = pack_bfloat16(
                    out[0] - bits_float(two << 16), out[1] - bits_float(two & 0xffff0000u));
            }
        }
    }
}

/* The way back: a stage has the rows' 128 elements as two halves of 128 bytes, then what they lack
 * in the same way. */
template <int ROWS> __global__ void __launch_bounds__(threads) second_product(const experts job) {
    using S = shape<ROWS>;
    SHARED_BYTES(memory);
    if ((int)blockIdx.y >= *job.tile_count)
        return;
    const int expert = job.tile_expert[blockIdx.y], begin = job.tile_row[blockIdx.y];
    const int end = job.first[expert + 1];
    const int64_t column = (int64_t)blockIdx.x * columns, steps = job.inner / depth;
    const int warp = (int)threadIdx.x / lanes, lane = (int)threadIdx.x % lanes;
    const int row = warp / S::warps_across * S::down * 16;
    const int across = warp % S::warps_across * S::across * 8;
    const uint8_t *weights =
        job.gemm2_weights + ((int64_t)expert * job.hidden + column) * job.inner;
    const float *scale = job.gemm2_scale + ((int64_t)expert * job.hidden + column) / depth * steps;

    const auto fetch_step = [&](int64_t step) {
        if (step < steps) {
            unsigned char *to = memory + step % S::second_stages * S::second_bytes;
            fetch<4 * ROWS>(to, weights, [&](int r) -> const uint8_t * {
                const int64_t at = begin + r % ROWS;
                const uint16_t *from = job.gated + (2 * at + r / ROWS / 2) * job.inner +
                                       step * depth + r / ROWS % 2 * (depth / 2);
                return at >= end ? nullptr : reinterpret_cast<const uint8_t *>(from);
            });
            fetch<columns>(to + 4 * ROWS * line, weights,
                           [&](int r) { return weights + r * job.inner + step * depth; });
        }
        copy_commit();
    };
    for (int step = 0; step < S::second_stages - 1; ++step)
        fetch_step(step);

    float sum[S::down][S::across][4] = {};
    for (int64_t step = 0; step < steps; ++step) {
        const float factor = scale[step];
        copy_wait<S::second_stages - 2>();
        __syncthreads();
        fetch_step(step + S::second_stages - 1);
        const unsigned char *a = memory + step % S::second_stages * S::second_bytes;
        const unsigned char *b = a + 4 * ROWS * line;
        float part[S::down][S::across][4] = {};
#pragma unroll(ROWS == 128 ? 1 : 4)
        for (int k = 0; k < 8; k += 2) { /* chunks of 16 weights; of the rows 8 elements */
            uint32_t wide[2][S::across][2];
#pragma unroll
            for (int j = 0; j < S::across; j += 2) {
                uint32_t four[4]; /* [8 columns][16 weights] */
                load_columns(four, b, across + j * 8, k);
#pragma unroll
                for (int g = 0; g < 4; ++g)
                    widen(four[g], wide[g % 2][j + g / 2]);
            }
#pragma unroll
            for (int g = 0; g < 4; ++g) { /* numbers, then what they lack */
                const unsigned char *plane = a + (g / 2 * 2 + (k + g % 2) / 4) * ROWS * line;
#pragma unroll
                for (int i = 0; i < S::down; ++i) {
                    uint32_t rows[4];
                    load_rows(rows, plane, row + i * 16, (k + g % 2) % 4 * 2);
#pragma unroll
                    for (int j = 0; j < S::across; ++j)
                        multiply_bfloat16(part[i][j], rows, wide[g % 2][j]);
                }
            }
        }
#pragma unroll
        for (int i = 0; i < S::down; ++i) {
#pragma unroll
            for (int j = 0; j < S::across; ++j) {
#pragma unroll
                for (int c = 0; c < 4; ++c)
                    sum[i][j][c] += part[i][j][c] * factor;
            }
        }
    }
#pragma unroll
    for (int i = 0; i < S::down; ++i) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            const int at = begin + row + i * 16 + h * 8 + lane / 4;
            if (at >= end)
                continue;
            float *to = job.result + at * job.hidden + column + across + lane % 4 * 2;
#pragma unroll
            for (int j = 0; j < S::across; ++j)
                *reinterpret_cast<float2 *>(to + j * 8) =
                    make_float2(sum[i][j][2 * h], sum[i][j][2 * h + 1]);
        }
    }
}

/* A block is a token. */
__global__ void add_up(const experts job) {
    const int64_t token = blockIdx.x;
    for (int64_t i = (int64_t)threadIdx.x * 2; i < job.hidden; i += (int64_t)blockDim.x * 2) {
        float low = 0, high = 0;
        for (int64_t slot = token * job.top_k; slot < (token + 1) * job.top_k; ++slot) {
            if (job.expert[slot] < 0)
                continue;
            const float2 two = *reinterpret_cast<const float2 *>(
                job.result + (int64_t)job.position[slot] * job.hidden + i);
            low += job.weight[slot] * two.x;
            high += job.weight[slot] * two.y;
        }
        *reinterpret_cast<uint32_t *>(job.output + token * job.hidden + i) =
            pack_bfloat16(low, high);
    }
}

} // namespace

#endif
