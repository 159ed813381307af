/* Mamba2's selective state update on the GPU, near the memory's limit. Eight lanes share a row of a
 * state; a block keeps the rates of 16 rows in registers while it goes through several sequences,
 * and loads the next one's states before it works on these. Blocks behind those copy the slots
 * that no sequence has. Slots of sequences are taken to be distinct, as those of a cache are. */
#include "contract.h"

namespace {

constexpr int row_lanes = 8;
constexpr int block_threads = 128;
constexpr int block_rows = block_threads / row_lanes;
constexpr int vector_elems = 8; /* bfloat16 in 16 bytes */
constexpr int copies_per_slot = 8;
constexpr int enough_blocks = 4096; /* for a device of some 132 multiprocessors */

struct problem {
    const tm_bfloat16 *state, *x, *dt, *B, *C, *D, *dt_bias;
    const float *A;
    const int *slot_of;
    tm_bfloat16 *output, *new_state;
    int sequences, slots, heads, head_dim, groups;
    int chunk; /* sequences of a block */
    int row_blocks, update_blocks;
};

__device__ float low(uint32_t pair) {
    return __uint_as_float(pair << 16);
}

__device__ float high(uint32_t pair) {
    return __uint_as_float(pair & 0xffff0000u);
}

/* A lane's elements of a row, as pairs. */
template <int SIZE> struct row {
    static constexpr int vectors = SIZE / vector_elems / row_lanes, pairs = vectors * 4;
    uint32_t at[pairs];

    /* The lane's vectors lie row_lanes apart. */
    __device__ void load(const tm_bfloat16 *from) {
#pragma unroll
        for (int i = 0; i < vectors; ++i)
            set(i, reinterpret_cast<const uint4 *>(from)[i * row_lanes]);
    }
    __device__ void load_once(const tm_bfloat16 *from) {
#pragma unroll
        for (int i = 0; i < vectors; ++i)
            set(i, __ldcs(reinterpret_cast<const uint4 *>(from) + i * row_lanes));
    }
    __device__ void store(tm_bfloat16 *to) const {
#pragma unroll
        for (int i = 0; i < vectors; ++i)
            __stcs(reinterpret_cast<uint4 *>(to) + i * row_lanes,
                   make_uint4(at[4 * i], at[4 * i + 1], at[4 * i + 2], at[4 * i + 3]));
    }

  private:
    __device__ void set(int vector, const uint4 &bits) {
        at[4 * vector] = bits.x;
        at[4 * vector + 1] = bits.y;
        at[4 * vector + 2] = bits.z;
        at[4 * vector + 3] = bits.w;
    }
};

__device__ uint32_t pack(float even, float odd) {
    const __nv_bfloat162 both = __floats2bfloat162_rn(even, odd);
    uint32_t bits;
    memcpy(&bits, &both, sizeof bits);
    return bits;
}

__device__ float row_sum(float value) {
#pragma unroll
    for (int distance = row_lanes / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    return value;
}

/* A sequence's slot, or -1 for none. */
__device__ int slot_of(const problem &p, int sequence, int end) {
    const int slot = sequence < end ? p.slot_of[sequence] : -1;
    return slot < p.slots ? slot : -1;
}

/* The block's rows of the states of `chunk` sequences. */
template <int SIZE> __device__ void update(const problem &p, int block) {
    constexpr int vectors = row<SIZE>::vectors, pairs = row<SIZE>::pairs;
    const int lane = threadIdx.x % row_lanes;
    const int number = block % p.row_blocks * block_rows + threadIdx.x / row_lanes;
    const int head = number / p.head_dim, group = head / (p.heads / p.groups);
    const int64_t rows = (int64_t)p.heads * p.head_dim;
    const int begin = block / p.row_blocks * p.chunk, end = min(begin + p.chunk, p.sequences);
    const int64_t in_slot = (int64_t)number * SIZE + lane * vector_elems;

    row<SIZE> next;
    int next_slot = slot_of(p, begin, end);
    if (next_slot >= 0)
        next.load_once(p.state + next_slot * rows * SIZE + in_slot);
    float rates[2 * pairs];
#pragma unroll
    for (int i = 0; i < vectors; ++i) {
        const float4 *from =
            reinterpret_cast<const float4 *>(p.A + in_slot + (int64_t)i * row_lanes * vector_elems);
        const float4 first = __ldg(from), second = __ldg(from + 1);
        const float eight[] = {first.x,  first.y,  first.z,  first.w,
                               second.x, second.y, second.z, second.w};
#pragma unroll
        for (int j = 0; j < vector_elems; ++j)
            rates[i * vector_elems + j] = eight[j];
    }
    const float bias = __bfloat162float(p.dt_bias[number]), D = __bfloat162float(p.D[number]);

    for (int sequence = begin; sequence < end; ++sequence) {
        row<SIZE> s = next;
        const int slot = next_slot;
        next_slot = slot_of(p, sequence + 1, end);
        if (next_slot >= 0)
            next.load_once(p.state + next_slot * rows * SIZE + in_slot);
        const int64_t element = sequence * rows + number;
        if (slot < 0) { /* the same for all threads */
            if (lane == 0)
                p.output[element] = __float2bfloat16_rn(0.0f);
            continue;
        }
        row<SIZE> B, C;
        const int64_t of_group =
            ((int64_t)sequence * p.groups + group) * SIZE + lane * vector_elems;
        B.load(p.B + of_group);
        C.load(p.C + of_group);
        const float x = __bfloat162float(p.x[element]);
        const float raw = __bfloat162float(p.dt[element]) + bias;
        const float dt = raw > 20.0f ? raw : log1pf(expf(raw)), entering = dt * x;
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < pairs; ++i) {
            const float even = low(s.at[i]) * expf(rates[2 * i] * dt) + entering * low(B.at[i]);
            const float odd =
                high(s.at[i]) * expf(rates[2 * i + 1] * dt) + entering * high(B.at[i]);
            sum += even * low(C.at[i]) + odd * high(C.at[i]);
            s.at[i] = pack(even, odd);
        }
        s.store(p.new_state + slot * rows * SIZE + in_slot);
        sum = row_sum(sum);
        if (lane == 0)
            p.output[element] = __float2bfloat16_rn(sum + x * D);
    }
}

/* The block's part of a slot, unless a sequence has it. */
__device__ void copy(const problem &p, int block, int64_t slot_vectors) {
    const int slot = block / copies_per_slot;
    int used = 0;
    for (int i = threadIdx.x; i < p.sequences; i += block_threads)
        used |= p.slot_of[i] == slot;
    if (__syncthreads_or(used))
        return;
    const uint4 *from = reinterpret_cast<const uint4 *>(p.state) + slot * slot_vectors;
    uint4 *to = reinterpret_cast<uint4 *>(p.new_state) + slot * slot_vectors;
#pragma unroll 4
    for (int64_t i = block % copies_per_slot * block_threads + threadIdx.x; i < slot_vectors;
         i += copies_per_slot * block_threads)
        __stcs(to + i, __ldcs(from + i));
}

template <int SIZE> __global__ void __launch_bounds__(block_threads) step(const problem p) {
    if ((int)blockIdx.x < p.update_blocks)
        update<SIZE>(p, blockIdx.x);
    else
        copy(p, (int)blockIdx.x - p.update_blocks,
             (int64_t)p.heads * p.head_dim * SIZE / vector_elems);
}

template <int SIZE> int launch(problem p, cudaStream_t stream) {
    p.row_blocks = p.heads * p.head_dim / block_rows;
    p.chunk = min(max((int)((int64_t)p.row_blocks * p.sequences / enough_blocks), 1), 16);
    const int64_t chunks = (p.sequences + p.chunk - 1) / p.chunk;
    const int64_t updates = p.row_blocks * chunks;
    const int64_t blocks = updates + (int64_t)p.slots * copies_per_slot;
    if (blocks > INT32_MAX)
        return tm_fail(2, "batch_size: expected less than 2^31 blocks, got %lld",
                       (long long)blocks);
    if (blocks == 0)
        return 0;
    p.update_blocks = (int)updates;
    step<SIZE><<<(unsigned)blocks, block_threads, 0, stream>>>(p);
    const cudaError_t status = cudaGetLastError();
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}

bool is_aligned(const void *pointer) {
    return (uintptr_t)pointer % sizeof(uint4) == 0;
}

} // namespace

int TM_ENTRY(const tm_bfloat16 *state, const tm_bfloat16 *x, const tm_bfloat16 *dt,
             const tm_float32 *A, const tm_bfloat16 *B, const tm_bfloat16 *C, const tm_bfloat16 *D,
             const tm_bfloat16 *dt_bias, const tm_int32 *state_batch_indices, tm_bfloat16 *output,
             tm_bfloat16 *new_state, const tm_axes *axes, tm_stream stream) {
    const problem p = {state,
                       x,
                       dt,
                       B,
                       C,
                       D,
                       dt_bias,
                       A,
                       state_batch_indices,
                       output,
                       new_state,
                       (int)axes->batch_size,
                       (int)axes->state_cache_size,
                       (int)axes->nheads,
                       (int)axes->head_dim,
                       (int)axes->ngroups,
                       0,
                       0,
                       0};
    if (p.groups == 0 || p.heads % p.groups != 0 || p.head_dim % block_rows != 0)
        return tm_fail(2, "expected nheads a multiple of ngroups and head_dim one of %d",
                       block_rows);
    if (!is_aligned(state) || !is_aligned(new_state) || !is_aligned(A) || !is_aligned(B) ||
        !is_aligned(C))
        return tm_fail(2, "expected tensors at multiples of 16 bytes");
    switch (axes->dstate) {
    case 64:
        return launch<64>(p, stream);
    case 128:
        return launch<128>(p, stream);
    case 256:
        return launch<256>(p, stream);
    default:
        return tm_fail(2, "dstate: expected 64, 128 or 256, got %lld", (long long)axes->dstate);
    }
}
