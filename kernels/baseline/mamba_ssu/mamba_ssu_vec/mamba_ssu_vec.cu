/* Mamba2's selective state update on the GPU, near the memory's limit. A block has some rows of a
 * head's state and goes through slots of the cache with them, whether sequences have these or not:
 * new_state has them all, and a state is on its way before it is known whose it is. Two vectors of
 * a row to a thread. For its slots a block keeps the rates in registers, which are twice the bytes
 * of a state, looks their sequences up at once, and takes softplus once per row. Sequences that
 * share a slot follow each other in their order. */
#include "contract.h"

namespace {

constexpr int block_threads = 128;
constexpr int multiprocessor_blocks = 6;
constexpr int vector_elems = 8; /* bfloat16 in 16 bytes */
constexpr int lane_vectors = 2, lane_elems = lane_vectors * vector_elems;
constexpr int most_slots = 8;                                /* of a block */
constexpr int resident_blocks = 132 * multiprocessor_blocks; /* of an H200 */
constexpr float log2_of_e = 1.4426950408889634f;

template <int SIZE> struct shape {
    static constexpr int lanes = SIZE / lane_elems, rows = block_threads / lanes;
};

struct problem {
    const tm_bfloat16 *state, *x, *dt, *B, *C, *D, *dt_bias;
    const float *A;
    const int *slot_of;
    tm_bfloat16 *output, *new_state;
    int sequences, slots, rows;
    int groups, block_slots;
};

__device__ float low(uint32_t pair) {
    return __uint_as_float(pair << 16);
}

__device__ float high(uint32_t pair) {
    return __uint_as_float(pair & 0xffff0000u);
}

__device__ uint32_t pack(float even, float odd) {
    const __nv_bfloat162 both = __floats2bfloat162_rn(even, odd);
    uint32_t bits;
    memcpy(&bits, &both, sizeof bits);
    return bits;
}

/* What is below the smallest normal number is 0, which costs nothing here. */
__device__ float exp2_flushed(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

/* A lane's elements of a row, as pairs; its vectors lie LANES apart. */
template <int LANES> struct part {
    uint32_t at[lane_elems / 2];

    __device__ void load(const tm_bfloat16 *from) {
#pragma unroll
        for (int i = 0; i < lane_vectors; ++i)
            set(i, __ldg(reinterpret_cast<const uint4 *>(from) + i * LANES));
    }
    __device__ void load_once(const tm_bfloat16 *from) {
#pragma unroll
        for (int i = 0; i < lane_vectors; ++i)
            set(i, __ldcs(reinterpret_cast<const uint4 *>(from) + i * LANES));
    }
    __device__ void store(tm_bfloat16 *to) const {
#pragma unroll
        for (int i = 0; i < lane_vectors; ++i)
            __stcs(reinterpret_cast<uint4 *>(to) + i * LANES,
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

/* What a row of a sequence has beside its state: log2(e) times softplus of dt, dt x, and D x. */
struct step {
    float exponent, entering, skip;
};

/* What a block needs of its slots' sequences, in shared memory. */
template <int SIZE> struct inputs {
    static constexpr int rows = shape<SIZE>::rows, vectors = SIZE / vector_elems;
    uint4 B[most_slots][vectors], C[most_slots][vectors];
    step steps[most_slots][rows];
    int before[most_slots]; /* the owners up to there have been */
    int owner[most_slots];  /* the next, or the number of sequences */

    /* All loads are under way before one is used. */
    __device__ void load(const problem &p, int first_row, int slots) {
        constexpr int turns = (most_slots * vectors + block_threads - 1) / block_threads;
        const int group = blockIdx.y;
        uint4 b[turns], c[turns];
#pragma unroll
        for (int i = 0; i < turns; ++i) {
            const int at = threadIdx.x + i * block_threads, slot = at / vectors;
            if (at < slots * vectors && owner[slot] < p.sequences) {
                const int64_t from = (owner[slot] * (int64_t)gridDim.y + group) * vectors;
                b[i] = __ldg(reinterpret_cast<const uint4 *>(p.B) + from + at % vectors);
                c[i] = __ldg(reinterpret_cast<const uint4 *>(p.C) + from + at % vectors);
            }
        }
#pragma unroll 1
        for (int at = threadIdx.x; at < slots * rows; at += block_threads) {
            const int slot = at / rows, row = first_row + at % rows;
            if (owner[slot] < p.sequences) {
                const int64_t element = owner[slot] * (int64_t)p.rows + row;
                const float x = __bfloat162float(p.x[element]);
                const float D = __bfloat162float(p.D[row]);
                const float raw =
                    __bfloat162float(p.dt[element]) + __bfloat162float(p.dt_bias[row]);
                const float dt = raw > 20.0f ? raw : log1pf(expf(raw));
                steps[slot][at % rows] = {dt * log2_of_e, dt * x, x * D};
            }
        }
#pragma unroll
        for (int i = 0; i < turns; ++i) {
            const int at = threadIdx.x + i * block_threads, slot = at / vectors;
            if (at < slots * vectors && owner[slot] < p.sequences) {
                B[slot][at % vectors] = b[i];
                C[slot][at % vectors] = c[i];
            }
        }
    }
};

/* Blocks of the grid: x for the rows of a group of heads, which shares B and C, y for the groups, z
 * for the slots. */
template <int SIZE>
__global__ void __launch_bounds__(block_threads, multiprocessor_blocks) update(const problem p) {
    constexpr int lanes = shape<SIZE>::lanes, rows = shape<SIZE>::rows;
    __shared__ inputs<SIZE> in;
    const int lane = threadIdx.x % lanes, number = threadIdx.x / lanes;
    const int first_row = (blockIdx.y * gridDim.x + blockIdx.x) * rows, row = first_row + number;
    const int begin = blockIdx.z * p.block_slots, slots = min(p.block_slots, p.slots - begin);
    const int64_t slot_elems = (int64_t)p.rows * SIZE;
    const int64_t in_slot = (int64_t)row * SIZE + lane * vector_elems;
    const tm_bfloat16 *from = p.state + begin * slot_elems + in_slot;
    tm_bfloat16 *const to = p.new_state + begin * slot_elems + in_slot;

    float rates[lane_elems];
    int before = -1; /* of the first most_slots threads, each for a slot */
    for (;;) {       /* again for each further sequence of a slot */
        part<lanes> next;
        if (slots > 0)
            next.load_once(from);
        if ((int)threadIdx.x < most_slots) {
            in.before[threadIdx.x] = before;
            in.owner[threadIdx.x] = p.sequences;
        }
        __syncthreads();
        bool is_owned = false, is_shared = false;
#pragma unroll 1
        for (int i = threadIdx.x; i < p.sequences; i += block_threads) {
            const int slot = p.slot_of[i], here = slot - begin;
            if (here >= 0 && here < slots) {
                if (i > in.before[here]) {
                    is_owned = true;
                    is_shared |= atomicMin(&in.owner[here], i) < p.sequences;
                }
            } else if (begin == 0 && (slot < 0 || slot >= p.slots)) {
#pragma unroll 1
                for (int r = 0; r < rows; ++r)
                    p.output[(int64_t)i * p.rows + first_row + r] = __float2bfloat16_rn(0.0f);
            }
        }
        if (__syncthreads_or(is_owned)) {
#pragma unroll
            for (int i = 0; i < lane_elems / 4; ++i) {
                const int64_t at = in_slot + i / 2 * lanes * vector_elems + i % 2 * 4;
                const float4 four = __ldg(reinterpret_cast<const float4 *>(p.A + at));
                rates[4 * i] = four.x;
                rates[4 * i + 1] = four.y;
                rates[4 * i + 2] = four.z;
                rates[4 * i + 3] = four.w;
            }
            in.load(p, first_row, slots);
        }
        is_shared = __syncthreads_or(is_shared);

#pragma unroll 1
        for (int slot = 0; slot < slots; ++slot) {
            part<lanes> s = next;
            if (slot + 1 < slots)
                next.load_once(from + (slot + 1) * slot_elems);
            const int sequence = in.owner[slot];
            if (sequence < p.sequences) { /* the same for all threads */
                const step now = in.steps[slot][number];
                float sum = 0.0f;
#pragma unroll
                for (int v = 0; v < lane_vectors; ++v) {
                    const uint4 b = in.B[slot][lane + v * lanes], c = in.C[slot][lane + v * lanes];
                    const uint32_t B[] = {b.x, b.y, b.z, b.w}, C[] = {c.x, c.y, c.z, c.w};
#pragma unroll
                    for (int i = 0; i < vector_elems / 2; ++i) {
                        const float *rate = rates + v * vector_elems + 2 * i;
                        uint32_t &pair = s.at[v * vector_elems / 2 + i];
                        const float even = low(pair) * exp2_flushed(rate[0] * now.exponent) +
                                           now.entering * low(B[i]);
                        const float odd = high(pair) * exp2_flushed(rate[1] * now.exponent) +
                                          now.entering * high(B[i]);
                        sum += even * low(C[i]) + odd * high(C[i]);
                        pair = pack(even, odd);
                    }
                }
#pragma unroll
                for (int distance = lanes / 2; distance > 0; distance /= 2)
                    sum += __shfl_xor_sync(0xffffffffu, sum, distance);
                if (lane == 0)
                    p.output[(int64_t)sequence * p.rows + row] =
                        __float2bfloat16_rn(sum + now.skip);
            }
            s.store(to + slot * slot_elems);
        }
        if (!is_shared)
            return;
        if ((int)threadIdx.x < most_slots)
            before = in.owner[threadIdx.x];
        from = to;
        __syncthreads();
    }
}

/* As many slots to a block as leave about one block for each place on the device; in caches where
 * that would be too many for shared memory, several rounds of blocks with as many slots each. */
template <int SIZE> int launch(problem p, cudaStream_t stream) {
    constexpr int rows = shape<SIZE>::rows;
    if (p.rows % (p.groups * rows) != 0)
        return tm_fail(2, "nheads * head_dim / ngroups: expected a multiple of %d, got %d", rows,
                       p.rows / p.groups);
    const int parts = p.rows / rows, together = max(resident_blocks / parts, 1);
    const int rounds = max((p.slots + together * most_slots - 1) / (together * most_slots), 1);
    p.block_slots = max((p.slots + together * rounds - 1) / (together * rounds), 1);
    const int columns = max((p.slots + p.block_slots - 1) / p.block_slots, 1);
    if (columns > UINT16_MAX || p.groups > UINT16_MAX)
        return tm_fail(2,
                       "state_cache_size: expected at most %d, got %d; ngroups: at most %d, got %d",
                       UINT16_MAX * p.block_slots, p.slots, UINT16_MAX, p.groups);
    const dim3 grid(parts / p.groups, p.groups, columns);
    update<SIZE><<<grid, block_threads, 0, stream>>>(p);
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
    if (axes->ngroups == 0 || axes->nheads % axes->ngroups != 0)
        return tm_fail(2, "nheads: expected a multiple of ngroups %lld, got %lld",
                       (long long)axes->ngroups, (long long)axes->nheads);
    if (!is_aligned(state) || !is_aligned(new_state) || !is_aligned(A) || !is_aligned(B) ||
        !is_aligned(C))
        return tm_fail(2, "expected tensors at multiples of 16 bytes");
    const int64_t rows = axes->nheads * axes->head_dim;
    if (rows > INT32_MAX || axes->state_cache_size > INT32_MAX / 2)
        return tm_fail(2, "expected less than 2^31 rows and 2^30 slots, got %lld and %lld",
                       (long long)rows, (long long)axes->state_cache_size);
    if (rows == 0 || (axes->state_cache_size == 0 && axes->batch_size == 0))
        return 0;
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
                       (int)rows,
                       (int)axes->ngroups,
                       0};
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
