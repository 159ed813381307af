/* Gated delta rule on the GPU, a few tokens of each sequence from a state in a pool, near the
 * memory's limit. A block has some rows of a head's state of one place in the pool, whether a
 * sequence has it or not: they are on their way before it is known whose they are, and are written
 * to the copy of the pool at once. Then they take the steps of each sequence that begins there, in
 * registers; what all rows need of a few tokens comes to shared memory by about one load per
 * thread. Both products with a row are taken of the old one, as in gdn_decode_vec. The states in
 * between are not kept. */
#include "contract.h"

#include "../gdn_vec.h"

namespace {

constexpr int block_threads = 128;
constexpr int block_rows = block_threads / row_lanes;
constexpr int warp_lanes = 32;
constexpr int most_tokens = 4;    /* in shared memory */
constexpr int lane_sequences = 8; /* that are looked at together */
constexpr int many_blocks = 1056; /* 8 for each multiprocessor of an H200 */

struct problem {
    inputs in;
    const float *pool;
    const int *indices;
    float *copy;
    int sequences, steps, states;

    /* Indices count from the pool's end when they are negative. */
    __device__ bool is_inside(int index) const {
        return (unsigned)index + states < 2u * states;
    }
    /* Whether a sequence with that index begins there; the first state has those outside. */
    __device__ bool is_at(int slot, int index) const {
        return index == slot || index == slot - states || (slot == 0 && !is_inside(index));
    }
};

/* What a block needs of a few tokens, in shared memory. */
template <int SIZE, int ROWS> struct stage {
    static constexpr int vectors = SIZE / 8, rows = block_rows * ROWS;
    uint4 k[most_tokens][vectors], q[most_tokens][vectors];
    float v[most_tokens][rows], decay[most_tokens], beta[most_tokens];

    /* By all threads, their loads under way before one is used; k of tokens has lower numbers than
     * q. */
    __device__ void load(const inputs &in, int64_t first_token, int tokens, int head, int q_head,
                         int k_head, int first_row) {
        constexpr int half = most_tokens * vectors;
        constexpr int turns = (2 * half + block_threads - 1) / block_threads;
        static_assert(most_tokens * rows <= block_threads, "one element of v per thread");
        uint4 both[turns];
#pragma unroll
        for (int i = 0; i < turns; ++i) {
            const int at = threadIdx.x + i * block_threads, is_q = at / half;
            const int64_t token = first_token + at % half / vectors;
            if (at < 2 * half && at % half / vectors < tokens)
                both[i] = __ldg(reinterpret_cast<const uint4 *>(is_q ? in.q : in.k) +
                                (is_q ? token * in.q_heads + q_head : token * in.k_heads + k_head) *
                                    vectors +
                                at % vectors);
        }
        const int token = threadIdx.x / rows, row = threadIdx.x % rows;
        tm_bfloat16 value;
        if (token < tokens)
            value = in.v[((first_token + token) * in.v_heads + head) * SIZE + first_row + row];
        if ((int)threadIdx.x < tokens) {
            const gate now = in.gate_of(first_token + threadIdx.x, head);
            decay[threadIdx.x] = expf(now.log_decay());
            beta[threadIdx.x] = now.beta();
        }
        if (token < tokens)
            v[token][row] = __bfloat162float(value);
#pragma unroll
        for (int i = 0; i < turns; ++i) {
            const int at = threadIdx.x + i * block_threads;
            if (at < 2 * half && at % half / vectors < tokens)
                (at / half ? q : k)[at % half / vectors][at % vectors] = both[i];
        }
    }
};

template <int SIZE, int ROWS> struct block {
    static constexpr int parts = SIZE / (block_rows * ROWS);
    static constexpr int neighbours = SIZE * ROWS <= 128 ? 6 : SIZE * ROWS <= 256 ? 5 : 3;
    const problem &p;
    stage<SIZE, ROWS> &in;
    int slot, head, q_head, k_head, first_row;
    row<SIZE> s[ROWS];

    __device__ int lane() const {
        return threadIdx.x % row_lanes;
    }
    __device__ int64_t begin(int r) const {
        const int number = first_row + threadIdx.x / row_lanes + r * block_rows;
        return (((int64_t)slot * p.in.v_heads + head) * SIZE + number) * SIZE + lane() * 4;
    }
    __device__ void load() {
#pragma unroll
        for (int r = 0; r < ROWS; ++r)
            s[r].load(p.pool + begin(r));
    }
    __device__ void store() const {
#pragma unroll
        for (int r = 0; r < ROWS; ++r)
            s[r].store(p.copy + begin(r));
    }
    /* The rows over the sequence's tokens; zeros are put out where its state is outside of the
     * pool. */
    __device__ void take_steps(int sequence) {
        const bool is_inside = p.is_inside(p.indices[sequence]);
        for (int step = 0; step < p.steps; step += most_tokens) {
            const int64_t token = (int64_t)sequence * p.steps + step;
            const int tokens = min(p.steps - step, most_tokens);
            __syncthreads(); /* nobody needs those before */
            in.load(p.in, token, tokens, head, q_head, k_head, first_row);
            __syncthreads();
#pragma unroll 1
            for (int t = 0; t < tokens; ++t)
                take_step(t, token + t, is_inside);
        }
    }
    __device__ void take_step(int t, int64_t token, bool is_inside) {
        const float decay = in.decay[t], beta = in.beta[t];
        row<SIZE> k, q;
        k.load(reinterpret_cast<const tm_bfloat16 *>(in.k[t]) + lane() * 4);
        q.load(reinterpret_cast<const tm_bfloat16 *>(in.q[t]) + lane() * 4);
        const float kq = k.dot_with(q);
#pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            const int number = threadIdx.x / row_lanes + r * block_rows;
            const float by_k = decay * s[r].dot_with(k), by_q = decay * s[r].dot_with(q);
            const float change = beta * (in.v[t][number] - by_k);
            s[r].update(decay, change, k);
            const float out = is_inside ? p.in.scale * (by_q + kq * change) : 0.0f;
            if (lane() == 0)
                p.in.output[(token * p.in.v_heads + head) * SIZE + first_row + number] =
                    __float2bfloat16_rn(out);
        }
    }
};

/* Blocks of the grid: x for the rows of a state, y and z for the pool's states. Those of the first
 * state also have the sequences that are outside of the pool. */
template <int SIZE, int ROWS>
__global__ void __launch_bounds__(block_threads, block<SIZE, ROWS>::neighbours)
    verify(const problem p) {
    __shared__ stage<SIZE, ROWS> in;
    constexpr int parts = block<SIZE, ROWS>::parts;
    const int slot = blockIdx.z * gridDim.y + blockIdx.y, head = blockIdx.x / parts;
    if (slot >= p.states)
        return;
    block<SIZE, ROWS> mine = {p,
                              in,
                              slot,
                              head,
                              p.in.query_head(head),
                              p.in.key_head(head),
                              (int)(blockIdx.x % parts) * (block_rows * ROWS),
                              {}};
    mine.load();
    const int lane = threadIdx.x % warp_lanes;
    bool is_changed = false;
    int first = 0;
    do {
        int indices[lane_sequences];
#pragma unroll
        for (int i = 0; i < lane_sequences; ++i) {
            const int sequence = first + i * warp_lanes + lane;
            indices[i] = sequence < p.sequences ? p.indices[sequence] : 0;
        }
        unsigned owners = 0; /* of the lane's sequences, a bit each */
#pragma unroll
        for (int i = 0; i < lane_sequences; ++i) {
            const int sequence = first + i * warp_lanes + lane;
            owners |= (unsigned)(sequence < p.sequences && p.is_at(slot, indices[i])) << i;
        }
        if (first == 0)
            mine.store();
        unsigned lanes;
        while ((lanes = __ballot_sync(0xffffffffu, owners != 0)) != 0) { /* alike in all warps */
            const int from = __ffs(lanes) - 1;
            const int bit = __ffs(__shfl_sync(0xffffffffu, owners, from)) - 1;
            if (lane == from)
                owners &= owners - 1;
            if (is_changed)
                mine.load();
            is_changed = true;
            mine.take_steps(first + bit * warp_lanes + from);
        }
        first += lane_sequences * warp_lanes;
    } while (first < p.sequences);
}

/* One row to a thread's part while that leaves places on the device, two when not. */
template <int SIZE> int launch(const problem &p, cudaStream_t stream) {
    constexpr int parts = SIZE / block_rows, most = UINT16_MAX;
    const int64_t blocks = (int64_t)p.states * p.in.v_heads * parts;
    const dim3 pool(1, min(p.states, most), (p.states + most - 1) / most);
    const int rows = p.in.v_heads * parts;
    if (blocks <= many_blocks)
        verify<SIZE, 1><<<dim3(rows, pool.y, pool.z), block_threads, 0, stream>>>(p);
    else
        verify<SIZE, 2><<<dim3(rows / 2, pool.y, pool.z), block_threads, 0, stream>>>(p);
    return launched();
}

} // namespace

int TM_ENTRY(const tm_bfloat16 *q, const tm_bfloat16 *k, const tm_bfloat16 *v,
             const tm_float32 *initial_state, const tm_int32 *initial_state_indices,
             const tm_float32 *A_log, const tm_bfloat16 *a, const tm_float32 *dt_bias,
             const tm_bfloat16 *b, tm_scale_t scale, const tm_float32 *intermediate_states_buffer,
             tm_bfloat16 *output, tm_float32 *final_state, const tm_axes *axes, tm_stream stream) {
    (void)intermediate_states_buffer;
    problem p = {{q, k, v, A_log, dt_bias, a, b, output, (int)axes->num_q_heads,
                  (int)axes->num_k_heads, (int)axes->num_v_heads,
                  scale_or_usual(scale, axes->head_size), 0, 0},
                 initial_state,
                 initial_state_indices,
                 final_state,
                 (int)axes->batch_size,
                 (int)axes->seq_len,
                 (int)axes->pool_size};
    const int status = check(p.in, initial_state, final_state);
    if (status != 0)
        return status;
    if (axes->pool_size > INT32_MAX / 2 || axes->batch_size > INT32_MAX / 2)
        return tm_fail(2, "expected less than 2^30 states and sequences, got %lld and %lld",
                       (long long)axes->pool_size, (long long)axes->batch_size);
    if (axes->pool_size == 0) { /* all sequences are outside of it */
        const int64_t elems =
            axes->batch_size * axes->seq_len * axes->num_v_heads * axes->head_size;
        const cudaError_t cleared =
            cudaMemsetAsync(output, 0, (size_t)elems * sizeof *output, stream);
        return cleared == cudaSuccess ? 0 : tm_fail(1, "clear: %s", cudaGetErrorString(cleared));
    }
    switch (axes->head_size) {
    case 64:
        return launch<64>(p, stream);
    case 128:
        return launch<128>(p, stream);
    case 256:
        return launch<256>(p, stream);
    default:
        return tm_fail(2, "head_size: expected 64, 128 or 256, got %lld",
                       (long long)axes->head_size);
    }
}
