/* Gated delta rule on the GPU, one token for each sequence, near the memory's limit. Eight lanes
 * share a row of a state and keep it in registers between its one read and its one write: both
 * products with it, by k and by q, are taken of the old row S, because of the new one
 *
 *     S' = g S + k d   with   d = beta (v - g (k . S))   the other is   q . S' = g (q . S) + (k .
 * q) d
 *
 * A block has 16 rows at a time, and loads the next 16 before it works on these. */
#include "contract.h"

#include "../gdn_vec.h"

namespace {

constexpr int block_threads = 128;
constexpr int block_rows = block_threads / row_lanes;

/* A block does block_rows * PASSES rows of one head; SIZE / that many blocks do the head. Blocks of
 * the grid: x for the rows of a head and the sequences, y for the heads. */
template <int SIZE, int PASSES>
__global__ void __launch_bounds__(block_threads)
    decode(const inputs in, const float *state, float *new_state) {
    constexpr int parts = SIZE / (block_rows * PASSES);
    const int sequence = blockIdx.x / parts, head = blockIdx.y;
    const int64_t of_head = (int64_t)sequence * in.v_heads + head;
    const int lane = threadIdx.x % row_lanes;
    const int first = blockIdx.x % parts * (block_rows * PASSES) + threadIdx.x / row_lanes;
    const int64_t begin = (of_head * SIZE + first) * SIZE + lane * 4;

    row<SIZE> next, k, q;
    if (state)
        next.load(state + begin);
    else
        next.clear();
    tm_bfloat16 v[PASSES];
#pragma unroll
    for (int pass = 0; pass < PASSES; ++pass)
        v[pass] = in.v[of_head * SIZE + first + pass * block_rows];
    const gate now = in.gate_of(sequence, head);
    k.load(in.key(sequence, head, SIZE) + lane * 4);
    q.load(in.query(sequence, head, SIZE) + lane * 4);
    const float decay = expf(now.log_decay()), beta = now.beta();
    const float kq = k.dot_with(q);
#pragma unroll
    for (int pass = 0; pass < PASSES; ++pass) {
        row<SIZE> s = next;
        if (state && pass + 1 < PASSES)
            next.load(state + begin + (pass + 1) * block_rows * SIZE);
        const int64_t element = of_head * SIZE + first + pass * block_rows;
        const float by_k = decay * s.dot_with(k), by_q = decay * s.dot_with(q);
        const float change = beta * (__bfloat162float(v[pass]) - by_k);
        s.update(decay, change, k);
        s.store(new_state + begin + pass * block_rows * SIZE);
        if (lane == 0)
            in.output[element] = __float2bfloat16_rn(in.scale * (by_q + kq * change));
    }
}

template <int SIZE, int PASSES>
int launch(const inputs &in, const float *state, float *new_state, int64_t sequences,
           cudaStream_t stream) {
    const int64_t blocks = sequences * (SIZE / (block_rows * PASSES));
    if (blocks > INT32_MAX)
        return tm_fail(2, "batch_size: expected less than 2^31 blocks, got %lld",
                       (long long)blocks);
    const dim3 grid((unsigned)blocks, in.v_heads);
    decode<SIZE, PASSES><<<grid, block_threads, 0, stream>>>(in, state, new_state);
    return launched();
}

/* As many passes as leave a device of some 132 multiprocessors enough blocks that the last ones do
 * not count. */
template <int SIZE>
int launch_size(const inputs &in, const float *state, float *new_state, int64_t sequences,
                cudaStream_t stream) {
    const int64_t heads = sequences * in.v_heads;
    if (heads >= 2048)
        return launch<SIZE, 4>(in, state, new_state, sequences, stream);
    if (heads >= 1024)
        return launch<SIZE, 2>(in, state, new_state, sequences, stream);
    return launch<SIZE, 1>(in, state, new_state, sequences, stream);
}

} // namespace

int TM_ENTRY(const tm_bfloat16 *q, const tm_bfloat16 *k, const tm_bfloat16 *v,
             const tm_float32 *state, const tm_float32 *A_log, const tm_bfloat16 *a,
             const tm_float32 *dt_bias, const tm_bfloat16 *b, tm_scale_t scale, tm_bfloat16 *output,
             tm_float32 *new_state, const tm_axes *axes, tm_stream stream) {
    inputs in = {q,
                 k,
                 v,
                 A_log,
                 dt_bias,
                 a,
                 b,
                 output,
                 (int)axes->num_q_heads,
                 (int)axes->num_k_heads,
                 (int)axes->num_v_heads,
                 scale_or_usual(scale, axes->head_size),
                 0,
                 0};
    const int status = check(in, state, new_state);
    if (status != 0 || axes->batch_size == 0)
        return status;
    if (axes->seq_len != 1)
        return tm_fail(2, "seq_len: expected 1, got %lld", (long long)axes->seq_len);
    switch (axes->head_size) {
    case 64:
        return launch_size<64>(in, state, new_state, axes->batch_size, stream);
    case 128:
        return launch_size<128>(in, state, new_state, axes->batch_size, stream);
    case 256:
        return launch_size<256>(in, state, new_state, axes->batch_size, stream);
    default:
        return tm_fail(2, "head_size: expected 64, 128 or 256, got %lld",
                       (long long)axes->head_size);
    }
}
