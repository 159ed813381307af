/* Gated delta rule on the GPU, a few tokens of each sequence from a state in a pool, near the
 * memory's limit: rows of the state stay in registers for all tokens, as in gdn_decode_vec, and
 * what is read of the pool is written as its copy at once. Blocks behind those copy the states that
 * no sequence has. The states in between are not kept. */
#include "contract.h"

#include "../gdn_vec.h"

namespace {

constexpr int block_threads = 128;
constexpr int block_rows = block_threads / row_lanes;
constexpr int rows_each = 2; /* that a thread has a part of */
constexpr int copies_per_state = 8;

struct problem {
    inputs in;
    const float *pool;
    const int *indices;
    float *copy;
    int sequences, steps, states;
    int step_blocks;

    /* Counted from the pool's end when negative; -1 outside of it. */
    __device__ int slot_of(int sequence) const {
        const int64_t index = indices[sequence];
        const int64_t slot = index < 0 ? index + states : index;
        return slot >= 0 && slot < states ? (int)slot : -1;
    }
};

template <int SIZE> __device__ void take_steps(const problem &p, int block) {
    constexpr int parts = SIZE / (block_rows * rows_each);
    const inputs &in = p.in;
    const int head = block / parts % in.v_heads, sequence = block / parts / in.v_heads;
    const int lane = threadIdx.x % row_lanes;
    const int first = block % parts * (block_rows * rows_each) + threadIdx.x / row_lanes;
    const int slot = p.slot_of(sequence);
    row<SIZE> s[rows_each];
#pragma unroll
    for (int r = 0; r < rows_each; ++r) {
        const int64_t at =
            (((int64_t)slot * in.v_heads + head) * SIZE + first + r * block_rows) * SIZE + lane * 4;
        if (slot >= 0) { /* the same for all threads */
            s[r].load(p.pool + at);
            s[r].store(p.copy + at);
        } else {
            s[r].clear();
        }
    }
    for (int step = 0; step < p.steps; ++step) {
        const int64_t token = (int64_t)sequence * p.steps + step;
        row<SIZE> k, q;
        k.load(in.key(token, head, SIZE) + lane * 4);
        q.load(in.query(token, head, SIZE) + lane * 4);
        const float decay = expf(in.log_decay(token, head)), beta = in.beta(token, head);
#pragma unroll
        for (int r = 0; r < rows_each; ++r) {
            const int64_t element = (token * in.v_heads + head) * SIZE + first + r * block_rows;
            const float by_k = decay * s[r].dot_with(k);
            s[r].update(decay, beta * (__bfloat162float(in.v[element]) - by_k), k);
            const float by_q = s[r].dot_with(q);
            if (lane == 0)
                in.output[element] = __float2bfloat16_rn(slot >= 0 ? in.scale * by_q : 0.0f);
        }
    }
}

/* The block's part of a state, unless a sequence has it. */
__device__ void copy_state(const problem &p, int block, int64_t vectors) {
    const int slot = block / copies_per_state;
    int used = 0;
    for (int i = threadIdx.x; i < p.sequences; i += block_threads)
        used |= p.slot_of(i) == slot;
    if (__syncthreads_or(used))
        return;
    const float4 *from = reinterpret_cast<const float4 *>(p.pool) + slot * vectors;
    float4 *to = reinterpret_cast<float4 *>(p.copy) + slot * vectors;
#pragma unroll 4
    for (int64_t i = block % copies_per_state * block_threads + threadIdx.x; i < vectors;
         i += copies_per_state * block_threads)
        __stcs(to + i, __ldcs(from + i));
}

template <int SIZE> __global__ void __launch_bounds__(block_threads) verify(const problem p) {
    if ((int)blockIdx.x < p.step_blocks)
        take_steps<SIZE>(p, blockIdx.x);
    else
        copy_state(p, (int)blockIdx.x - p.step_blocks, (int64_t)p.in.v_heads * SIZE * SIZE / 4);
}

template <int SIZE> int launch(problem p, cudaStream_t stream) {
    const int64_t steps = (int64_t)p.sequences * p.in.v_heads * (SIZE / (block_rows * rows_each));
    const int64_t blocks = steps + (int64_t)p.states * copies_per_state;
    if (blocks > INT32_MAX)
        return tm_fail(2, "batch_size: expected less than 2^31 blocks, got %lld",
                       (long long)blocks);
    if (blocks == 0)
        return 0;
    p.step_blocks = (int)steps;
    verify<SIZE><<<(unsigned)blocks, block_threads, 0, stream>>>(p);
    return launched();
}

} // namespace

int TM_ENTRY(const tm_bfloat16 *q, const tm_bfloat16 *k, const tm_bfloat16 *v,
             const tm_float32 *initial_state, const tm_int32 *initial_state_indices,
             const tm_float32 *A_log, const tm_bfloat16 *a, const tm_float32 *dt_bias,
             const tm_bfloat16 *b, tm_scale_t scale, const tm_float32 *intermediate_states_buffer,
             tm_bfloat16 *output, tm_float32 *final_state, const tm_axes *axes, tm_stream stream) {
    (void)intermediate_states_buffer;
    const problem p = {{q, k, v, A_log, dt_bias, a, b, output, (int)axes->num_q_heads,
                        (int)axes->num_k_heads, (int)axes->num_v_heads,
                        scale_or_usual(scale, axes->head_size)},
                       initial_state,
                       initial_state_indices,
                       final_state,
                       (int)axes->batch_size,
                       (int)axes->seq_len,
                       (int)axes->pool_size,
                       0};
    const int status = check(p.in, initial_state, final_state);
    if (status != 0)
        return status;
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
