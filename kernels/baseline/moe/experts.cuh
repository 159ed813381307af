/* experts: what experts of fp8 weights in 128 x 128 blocks work on, and what is before and behind
 * their products: rows (choices of tokens) are sorted by expert and cut into tiles; a token's
 * results are added up.
 *
 * Included behind contract.h. Deliberately does not know how experts are chosen. */
#ifndef TM_BASELINE_EXPERTS_CUH
#define TM_BASELINE_EXPERTS_CUH

#include "warpgroup.cuh"

namespace {

constexpr int lanes = 32, warps = 8, threads = warps * lanes;
constexpr int depth = 128;   /* elements of a sum per stage, and per scale */
constexpr int columns = 128; /* rows of weights per tile */
constexpr int half_columns = columns / 2;
constexpr int most_experts = 1024;
constexpr unsigned all_lanes = 0xffffffffu;

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
    /* [rows, inner], float16, in the order of gated_column(), and a power of two for 64 of them. */
    uint16_t *gated;
    float *gated_scale; /* [inner / 64, tokens * top_k] */
    float *result;      /* [rows, hidden] */
};

__device__ __forceinline__ float bits_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

__device__ __forceinline__ uint32_t float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The second product reads four neighbouring fp8 weights per lane, which a float16 fragment has as
 * elements 2 t, 2 t + 1, 2 t + 8 and 2 t + 9 of sixteen. The sum does not mind its order, so the
 * other operand is stored in that one: of column 4 t + i, i even. */
__device__ __forceinline__ int gated_column(int column) {
    const int in_group = column & 15;
    return column - in_group + ((in_group & 2) << 2) + (in_group >> 2 << 1) + (in_group & 1);
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

/* A block is a token. */
__global__ void add_up(const experts job) {
    const int64_t token = blockIdx.x;
    for (int64_t i = (int64_t)threadIdx.x * 4; i < job.hidden; i += (int64_t)blockDim.x * 4) {
        float sum[4] = {};
        for (int64_t slot = token * job.top_k; slot < (token + 1) * job.top_k; ++slot) {
            if (job.expert[slot] < 0)
                continue;
            const float weight = job.weight[slot];
            const float4 four = *reinterpret_cast<const float4 *>(
                job.result + (int64_t)job.position[slot] * job.hidden + i);
            sum[0] += weight * four.x;
            sum[1] += weight * four.y;
            sum[2] += weight * four.z;
            sum[3] += weight * four.w;
        }
        *reinterpret_cast<uint2 *>(job.output + token * job.hidden + i) =
            make_uint2(pack_bfloat16(sum[0], sum[1]), pack_bfloat16(sum[2], sum[3]));
    }
}

} // namespace

#endif
