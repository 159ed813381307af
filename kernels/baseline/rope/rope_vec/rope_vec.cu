/* Rotary position embedding on the GPU, near the memory's limit: 16-byte accesses, each element
 * read and written once. A unit of work is 8 pairs of a head (two vectors) or, behind the rotated
 * part, one vector that is copied; consecutive threads have consecutive units. Angles come from the
 * cache: all heads of a token use the same. Heads that do not fit vectors go through a plain
 * kernel. */
#include "contract.h"

namespace {

constexpr int vector_elems = 8; /* bfloat16 in 16 bytes */
constexpr int threads = 256;
constexpr int depth = 2; /* units of a thread, whose loads are in flight together */

struct problem {
    const tm_bfloat16 *q, *k;
    const float *cos_sin_cache;
    const int64_t *positions;
    tm_bfloat16 *q_out, *k_out;
    int64_t tokens;
    int qo_heads, kv_heads, head_size, rotary_dim;
    int64_t max_seq_len;
    int interleaved;
    int rotated_units, head_units; /* of a head: pairs of vectors, and all */
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

/* Where a unit lies: its head's first element in q or k, and which of the head's units it is. */
struct place {
    const tm_bfloat16 *from;
    tm_bfloat16 *to;
    int64_t token;
    int unit;
};

__device__ place find(const problem &p, int64_t number) {
    const int heads = p.qo_heads + p.kv_heads, of_token = heads * p.head_units;
    const int64_t token = number / of_token;
    const int rest = (int)(number - token * of_token), head = rest / p.head_units;
    const bool is_query = head < p.qo_heads;
    const int64_t at =
        (is_query ? token * p.qo_heads + head : token * p.kv_heads + head - p.qo_heads) *
        p.head_size;
    return {(is_query ? p.q : p.k) + at, (is_query ? p.q_out : p.k_out) + at, token,
            rest - head * p.head_units};
}

/* The first vector of a unit; the second lies `second` elements behind it. */
__device__ int first_elem(const problem &p, int unit) {
    if (unit >= p.rotated_units)
        return p.rotary_dim + (unit - p.rotated_units) * vector_elems;
    return unit * vector_elems * (p.interleaved ? 2 : 1);
}

struct unit_values {
    uint4 first, second;
    float4 cosines[2], sines[2];
};

__device__ void load(const problem &p, const place &at, unit_values &v) {
    const int elem = first_elem(p, at.unit), half = p.rotary_dim / 2;
    v.first = __ldcs(reinterpret_cast<const uint4 *>(at.from + elem));
    if (at.unit >= p.rotated_units)
        return;
    v.second = __ldcs(
        reinterpret_cast<const uint4 *>(at.from + elem + (p.interleaved ? vector_elems : half)));
    const int64_t position = p.positions[at.token];
    const bool is_inside = position >= 0 && position < p.max_seq_len;
    const float4 *angles = reinterpret_cast<const float4 *>(
        p.cos_sin_cache + (is_inside ? position : 0) * p.rotary_dim + at.unit * vector_elems);
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        v.cosines[i] = __ldg(angles + i);
        v.sines[i] = __ldg(angles + half / 4 + i);
    }
}

/* Neighbours as a pair. */
__device__ uint32_t rotate_pair(uint32_t pair, float cosine, float sine) {
    const float x = low(pair), y = high(pair);
    return both(x * cosine - y * sine, y * cosine + x * sine);
}

/* Two pairs, of the low and of the high halves. */
__device__ void rotate_halves(uint32_t &x, uint32_t &y, float cosine0, float sine0, float cosine1,
                              float sine1) {
    const float x0 = low(x), x1 = high(x), y0 = low(y), y1 = high(y);
    x = both(x0 * cosine0 - y0 * sine0, x1 * cosine1 - y1 * sine1);
    y = both(y0 * cosine0 + x0 * sine0, y1 * cosine1 + x1 * sine1);
}

__device__ void store(const problem &p, const place &at, unit_values &v) {
    const int elem = first_elem(p, at.unit);
    uint4 *first = reinterpret_cast<uint4 *>(at.to + elem);
    if (at.unit >= p.rotated_units) {
        __stcs(first, v.first);
        return;
    }
    const float4 &c0 = v.cosines[0], &c1 = v.cosines[1], &s0 = v.sines[0], &s1 = v.sines[1];
    if (p.interleaved) {
        v.first =
            make_uint4(rotate_pair(v.first.x, c0.x, s0.x), rotate_pair(v.first.y, c0.y, s0.y),
                       rotate_pair(v.first.z, c0.z, s0.z), rotate_pair(v.first.w, c0.w, s0.w));
        v.second =
            make_uint4(rotate_pair(v.second.x, c1.x, s1.x), rotate_pair(v.second.y, c1.y, s1.y),
                       rotate_pair(v.second.z, c1.z, s1.z), rotate_pair(v.second.w, c1.w, s1.w));
    } else {
        rotate_halves(v.first.x, v.second.x, c0.x, s0.x, c0.y, s0.y);
        rotate_halves(v.first.y, v.second.y, c0.z, s0.z, c0.w, s0.w);
        rotate_halves(v.first.z, v.second.z, c1.x, s1.x, c1.y, s1.y);
        rotate_halves(v.first.w, v.second.w, c1.z, s1.z, c1.w, s1.w);
    }
    __stcs(first, v.first);
    __stcs(
        reinterpret_cast<uint4 *>(at.to + elem + (p.interleaved ? vector_elems : p.rotary_dim / 2)),
        v.second);
}

__global__ void __launch_bounds__(threads) rotate_vectors(const problem p, const int64_t units) {
    const int64_t begin = (int64_t)blockIdx.x * (threads * depth) + threadIdx.x;
    place at[depth];
    unit_values values[depth];
#pragma unroll
    for (int d = 0; d < depth; ++d) {
        if (begin + d * threads < units) {
            at[d] = find(p, begin + d * threads);
            load(p, at[d], values[d]);
        }
    }
#pragma unroll
    for (int d = 0; d < depth; ++d) {
        if (begin + d * threads < units)
            store(p, at[d], values[d]);
    }
}

/* Any size and alignment: a block per head of a token. */
__global__ void __launch_bounds__(threads) rotate_elements(const problem p) {
    problem heads = p;
    heads.head_units = 1;
    const place at = find(heads, blockIdx.x);
    const int half = p.rotary_dim / 2;
    const int64_t position = p.positions[at.token];
    const bool is_inside = position >= 0 && position < p.max_seq_len;
    const float *cosines = p.cos_sin_cache + (is_inside ? position : 0) * p.rotary_dim;
    for (int i = threadIdx.x; i < half; i += threads) {
        const int first = p.interleaved ? 2 * i : i, second = p.interleaved ? first + 1 : i + half;
        const float x = __bfloat162float(at.from[first]), y = __bfloat162float(at.from[second]);
        at.to[first] = __float2bfloat16_rn(x * cosines[i] - y * cosines[half + i]);
        at.to[second] = __float2bfloat16_rn(y * cosines[i] + x * cosines[half + i]);
    }
    for (int i = p.rotary_dim + threadIdx.x; i < p.head_size; i += threads)
        at.to[i] = at.from[i];
}

bool is_aligned(const void *pointer) {
    return (uintptr_t)pointer % sizeof(uint4) == 0;
}

} // namespace

int TM_ENTRY(const tm_bfloat16 *q, const tm_bfloat16 *k, const float *cos_sin_cache,
             const int64_t *positions, tm_bfloat16 *q_out, tm_bfloat16 *k_out, const tm_axes *axes,
             tm_stream stream) {
    const int64_t heads = axes->num_qo_heads + axes->num_kv_heads;
    if (axes->num_tokens == 0 || heads == 0)
        return 0;
    if (heads * axes->head_size > INT32_MAX || axes->num_tokens > INT32_MAX ||
        axes->num_tokens * heads > INT32_MAX)
        return tm_fail(2, "%lld heads of %lld tokens: expected at most 2^31 - 1 in all",
                       (long long)heads, (long long)axes->num_tokens);
    problem p = {q,
                 k,
                 cos_sin_cache,
                 positions,
                 q_out,
                 k_out,
                 axes->num_tokens,
                 (int)axes->num_qo_heads,
                 (int)axes->num_kv_heads,
                 (int)axes->head_size,
                 (int)axes->rotary_dim,
                 axes->max_seq_len,
                 axes->interleaved != 0,
                 0,
                 0};
    const bool fits = p.head_size % vector_elems == 0 && p.rotary_dim % (2 * vector_elems) == 0 &&
                      is_aligned(q) && is_aligned(k) && is_aligned(q_out) && is_aligned(k_out) &&
                      is_aligned(cos_sin_cache);
    if (fits) {
        p.rotated_units = p.rotary_dim / (2 * vector_elems);
        p.head_units = p.rotated_units + (p.head_size - p.rotary_dim) / vector_elems;
        const int64_t units = p.tokens * heads * p.head_units;
        const int64_t blocks = (units + threads * depth - 1) / (threads * depth);
        if (blocks > INT32_MAX)
            return tm_fail(2, "%lld blocks: expected at most 2^31 - 1", (long long)blocks);
        rotate_vectors<<<(unsigned)blocks, threads, 0, stream>>>(p, units);
    } else {
        rotate_elements<<<(unsigned)(p.tokens * heads), threads, 0, stream>>>(p);
    }
    const cudaError_t status = cudaGetLastError();
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}
