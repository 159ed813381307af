/* Rotary position embedding on the GPU, near the memory's limit: 16-byte accesses, each element
 * read and written once. A thread has one unit of HEADS heads of a token: 8 pairs (two vectors) or,
 * behind the rotated part, one vector that is copied; consecutive threads have consecutive units of
 * consecutive heads. The heads share the angles, which arrive last, as they wait for the token's
 * position: everything else is on its way before, and what is where is found by multiplications.
 * Few tokens get one head to a thread. Heads that do not fit vectors go through a plain kernel. */
#include "contract.h"

namespace {

constexpr int vector_elems = 8; /* bfloat16 in 16 bytes */
constexpr int threads = 128;
constexpr int many_heads = 4;
constexpr int64_t many_threads = 132 * 512; /* that keep an H200 busy with many_heads each */

/* Of a position that the table does not have, which has no answer. */
__device__ const float4 no_angle[2] = {{NAN, NAN, NAN, NAN}, {NAN, NAN, NAN, NAN}};

/* Division of numbers below 2^31 by a number that the host knows. */
struct divisor {
    uint32_t by, factor, shift;

    explicit divisor(uint32_t number) : by(number), shift(0) {
        while ((uint64_t)1 << shift < number)
            ++shift;
        factor = (uint32_t)(((((uint64_t)1 << shift) - number) << 32) / number + 1);
    }
    __device__ uint32_t divide(uint32_t number) const {
        return (__umulhi(number, factor) + number) >> shift;
    }
};

struct problem {
    const tm_bfloat16 *q, *k;
    const float *cos_sin_cache;
    const int64_t *positions;
    tm_bfloat16 *q_out, *k_out;
    int qo_heads, kv_heads, head_size, rotary_dim, max_seq_len;

    /* The row of the table for a position, which counts from the end when it is negative; -1 when
     * the table has none. */
    __device__ int row_of(int64_t position) const {
        position += position < 0 ? max_seq_len : 0;
        return position >= 0 && position < max_seq_len ? (int)position : -1;
    }
    __device__ const float *angles(int row) const {
        return cos_sin_cache + (int64_t)row * rotary_dim;
    }
    /* Where a head begins in q or k, and in what is put out. */
    __device__ int64_t offset(int token, int head) const {
        const int row =
            head < qo_heads ? token * qo_heads + head : token * kv_heads + head - qo_heads;
        return (int64_t)row * head_size;
    }
    __device__ const tm_bfloat16 *from(int token, int head) const {
        return (head < qo_heads ? q : k) + offset(token, head);
    }
    __device__ tm_bfloat16 *to(int token, int head) const {
        return (head < qo_heads ? q_out : k_out) + offset(token, head);
    }
};

__device__ float low(uint32_t pair) {
    return __uint_as_float(pair << 16);
}

__device__ float high(uint32_t pair) {
    return __uint_as_float(pair & 0xffff0000u);
}

__device__ uint32_t both(float even, float odd) {
    const __nv_bfloat162 rounded = __floats2bfloat162_rn(even, odd);
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    return bits;
}

/* Neighbours as a pair. */
__device__ void rotate_pair(uint32_t &pair, float cosine, float sine) {
    const float x = low(pair), y = high(pair);
    pair = both(x * cosine - y * sine, y * cosine + x * sine);
}

/* Two pairs, of the low and of the high halves. */
__device__ void rotate_halves(uint32_t &x, uint32_t &y, const float *cosines, const float *sines) {
    const float x0 = low(x), x1 = high(x), y0 = low(y), y1 = high(y);
    x = both(x0 * cosines[0] - y0 * sines[0], x1 * cosines[1] - y1 * sines[1]);
    y = both(y0 * cosines[0] + x0 * sines[0], y1 * cosines[1] + x1 * sines[1]);
}

template <bool INTERLEAVED>
__device__ void rotate(uint4 &first, uint4 &second, const float (&cosines)[8],
                       const float (&sines)[8]) {
    if (INTERLEAVED) {
        rotate_pair(first.x, cosines[0], sines[0]);
        rotate_pair(first.y, cosines[1], sines[1]);
        rotate_pair(first.z, cosines[2], sines[2]);
        rotate_pair(first.w, cosines[3], sines[3]);
        rotate_pair(second.x, cosines[4], sines[4]);
        rotate_pair(second.y, cosines[5], sines[5]);
        rotate_pair(second.z, cosines[6], sines[6]);
        rotate_pair(second.w, cosines[7], sines[7]);
    } else {
        rotate_halves(first.x, second.x, cosines, sines);
        rotate_halves(first.y, second.y, cosines + 2, sines + 2);
        rotate_halves(first.z, second.z, cosines + 4, sines + 4);
        rotate_halves(first.w, second.w, cosines + 6, sines + 6);
    }
}

__device__ void load(float (&eight)[8], const float *from) {
    const float4 a = __ldg(reinterpret_cast<const float4 *>(from));
    const float4 b = __ldg(reinterpret_cast<const float4 *>(from) + 1);
    eight[0] = a.x;
    eight[1] = a.y;
    eight[2] = a.z;
    eight[3] = a.w;
    eight[4] = b.x;
    eight[5] = b.y;
    eight[6] = b.z;
    eight[7] = b.w;
}

/* How units are counted: those of a head, rotated ones first; heads that are `groups` apart; and
 * tokens. */
struct counts {
    uint32_t units;
    divisor of_token, of_head;
    int groups, rotated;
};

template <bool INTERLEAVED, int HEADS>
__global__ void __launch_bounds__(threads, HEADS == 1 ? 12 : 4)
    rotate_vectors(const problem p, const counts n) {
    const uint32_t number = blockIdx.x * threads + threadIdx.x;
    if (number >= n.units)
        return;
    const int token = n.of_token.divide(number), of_token = number - token * n.of_token.by;
    /* Volatile, or it would be loaded where it is used. */
    const int64_t position = *(const volatile int64_t *)(p.positions + token);
    const int group = n.of_head.divide(of_token), unit = of_token - group * n.of_head.by;
    const bool is_rotated = unit < n.rotated;
    const int half = p.rotary_dim / 2;
    const int at = is_rotated ? unit * vector_elems * (INTERLEAVED ? 2 : 1)
                              : half + unit * vector_elems; /* rotated ones have two vectors */
    const int behind = INTERLEAVED ? vector_elems : half;
    const int heads = p.qo_heads + p.kv_heads;
    uint4 first[HEADS], second[HEADS];
#pragma unroll
    for (int h = 0; h < HEADS; ++h) {
        const int head = group + h * n.groups;
        const tm_bfloat16 *from = p.from(token, head) + at;
        if (head < heads)
            first[h] = __ldcs(reinterpret_cast<const uint4 *>(from));
        if (head < heads && is_rotated)
            second[h] = __ldcs(reinterpret_cast<const uint4 *>(from + behind));
    }
    if (is_rotated) {
        const int row = p.row_of(position);
        const float *angles = row < 0 ? &no_angle[0].x : p.angles(row) + unit * vector_elems;
        float cosines[8], sines[8];
        load(cosines, angles);
        load(sines, angles + (row < 0 ? 0 : half));
#pragma unroll
        for (int h = 0; h < HEADS; ++h)
            rotate<INTERLEAVED>(first[h], second[h], cosines, sines);
    }
#pragma unroll
    for (int h = 0; h < HEADS; ++h) {
        const int head = group + h * n.groups;
        tm_bfloat16 *to = p.to(token, head) + at;
        if (head < heads)
            __stcs(reinterpret_cast<uint4 *>(to), first[h]);
        if (head < heads && is_rotated)
            __stcs(reinterpret_cast<uint4 *>(to + behind), second[h]);
    }
}

/* Any size and alignment: a block per head of a token. */
__global__ void __launch_bounds__(threads) rotate_elements(const problem p, const int interleaved) {
    const int heads = p.qo_heads + p.kv_heads, half = p.rotary_dim / 2;
    const int token = blockIdx.x / heads, head = blockIdx.x % heads;
    const tm_bfloat16 *from = p.from(token, head);
    tm_bfloat16 *to = p.to(token, head);
    const int row = p.row_of(p.positions[token]);
    const float *angles = p.angles(max(row, 0));
    for (int i = threadIdx.x; i < half; i += threads) {
        const int first = interleaved ? 2 * i : i, second = interleaved ? first + 1 : i + half;
        const float x = __bfloat162float(from[first]), y = __bfloat162float(from[second]);
        const float cosine = row < 0 ? NAN : angles[i], sine = row < 0 ? NAN : angles[half + i];
        to[first] = __float2bfloat16_rn(x * cosine - y * sine);
        to[second] = __float2bfloat16_rn(y * cosine + x * sine);
    }
    for (int i = p.rotary_dim + threadIdx.x; i < p.head_size; i += threads)
        to[i] = from[i];
}

/* False where there are too many units to count. */
template <bool INTERLEAVED, int HEADS>
bool launch(const problem &p, int64_t tokens, cudaStream_t stream) {
    const int rotated = p.rotary_dim / (2 * vector_elems);
    const int of_head = rotated + (p.head_size - p.rotary_dim) / vector_elems;
    const int groups = (p.qo_heads + p.kv_heads + HEADS - 1) / HEADS;
    const int64_t units = tokens * groups * of_head;
    if (units > INT32_MAX - threads)
        return false;
    const counts n = {(uint32_t)units, divisor(groups * of_head), divisor(of_head), groups,
                      rotated};
    const unsigned blocks = (unsigned)((units + threads - 1) / threads);
    rotate_vectors<INTERLEAVED, HEADS><<<blocks, threads, 0, stream>>>(p, n);
    return true;
}

template <bool INTERLEAVED>
bool launch_vectors(const problem &p, int64_t tokens, cudaStream_t stream) {
    const int64_t vectors = tokens * (p.qo_heads + p.kv_heads) * (p.head_size / vector_elems);
    if (vectors / 2 / many_heads < many_threads)
        return launch<INTERLEAVED, 1>(p, tokens, stream);
    return launch<INTERLEAVED, many_heads>(p, tokens, stream);
}

bool is_aligned(const void *pointer) {
    return (uintptr_t)pointer % sizeof(uint4) == 0;
}

} // namespace

int TM_ENTRY(const tm_bfloat16 *q, const tm_bfloat16 *k, const float *cos_sin_cache,
             const int64_t *positions, tm_bfloat16 *q_out, tm_bfloat16 *k_out, const tm_axes *axes,
             tm_stream stream) {
    const int64_t heads = axes->num_qo_heads + axes->num_kv_heads;
    if (axes->rotary_dim % 2 != 0 || axes->rotary_dim > axes->head_size)
        return tm_fail(2, "rotary_dim %lld: expected an even number up to head_size %lld",
                       (long long)axes->rotary_dim, (long long)axes->head_size);
    if (axes->num_tokens == 0 || heads * axes->head_size == 0)
        return 0;
    if (heads * axes->head_size > INT32_MAX || axes->num_tokens > INT32_MAX ||
        axes->num_tokens * heads > INT32_MAX || axes->max_seq_len > INT32_MAX)
        return tm_fail(
            2, "%lld heads of %lld tokens, %lld positions: expected at most 2^31 - 1 in all",
            (long long)heads, (long long)axes->num_tokens, (long long)axes->max_seq_len);
    const problem p = {q,
                       k,
                       cos_sin_cache,
                       positions,
                       q_out,
                       k_out,
                       (int)axes->num_qo_heads,
                       (int)axes->num_kv_heads,
                       (int)axes->head_size,
                       (int)axes->rotary_dim,
                       (int)axes->max_seq_len};
    bool is_done = p.head_size % vector_elems == 0 && p.rotary_dim % (2 * vector_elems) == 0 &&
                   axes->max_seq_len > 0 && is_aligned(q) && is_aligned(k) && is_aligned(q_out) &&
                   is_aligned(k_out) && is_aligned(cos_sin_cache);
    if (is_done && axes->interleaved != 0)
        is_done = launch_vectors<true>(p, axes->num_tokens, stream);
    else if (is_done)
        is_done = launch_vectors<false>(p, axes->num_tokens, stream);
    if (!is_done) {
        const unsigned blocks = (unsigned)(axes->num_tokens * heads);
        rotate_elements<<<blocks, threads, 0, stream>>>(p, axes->interleaved != 0);
    }
    const cudaError_t status = cudaGetLastError();
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}
