/* gdn_vec: what the gated delta rule's kernels share on the GPU: the inputs, gates, and rows of
 * a state in registers. */
#ifndef BASELINE_GDN_VEC_H
#define BASELINE_GDN_VEC_H

#include "tracemill.h"

namespace {

/* What decides how a head's state changes at a token, as it is read: all of it before any of it is
 * used, as what is read behind a branch would wait for what is before it. */
struct gate {
    float step, rate, correction;

    /* ln of what the state is multiplied by. */
    __device__ float log_decay() const {
        return -expf(rate) * (step > 20.0f ? step : log1pf(expf(step)));
    }
    /* How much of an error is corrected. */
    __device__ float beta() const {
        return __fdividef(1.0f, 1.0f + expf(-correction));
    }
};

/* All tokens' inputs, and what the definition's heads are. */
struct inputs {
    const tm_bfloat16 *q, *k, *v; /* [tokens, heads of each, size] */
    const float *A_log, *dt_bias; /* [v_heads] */
    const tm_bfloat16 *a, *b;     /* [tokens, v_heads] */
    tm_bfloat16 *output;          /* as v */
    int q_heads, k_heads, v_heads;
    float scale;
    uint64_t q_share, k_share; /* by check(): 2^32 over the heads of v that share one, rounded up */

    /* Of q and k, which head belongs to one of v: divisions, but for their time. */
    __device__ int query_head(int head) const {
        return (int)(head * q_share >> 32);
    }
    __device__ int key_head(int head) const {
        return (int)(head * k_share >> 32);
    }
    __device__ const tm_bfloat16 *query(int64_t token, int head, int size) const {
        return q + (token * q_heads + query_head(head)) * size;
    }
    __device__ const tm_bfloat16 *key(int64_t token, int head, int size) const {
        return k + (token * k_heads + key_head(head)) * size;
    }
    __device__ gate gate_of(int64_t token, int head) const {
        const int64_t at = token * v_heads + head;
        return {__bfloat162float(a[at]) + dt_bias[head], A_log[head], __bfloat162float(b[at])};
    }
};

__device__ inline float4 load_four(const tm_bfloat16 *from) {
    const uint2 pairs = *reinterpret_cast<const uint2 *>(from);
    return make_float4(__uint_as_float(pairs.x << 16), __uint_as_float(pairs.x & 0xffff0000u),
                       __uint_as_float(pairs.y << 16), __uint_as_float(pairs.y & 0xffff0000u));
}

__device__ inline float dot(const float4 &x, const float4 &y) {
    return x.x * y.x + x.y * y.y + x.z * y.z + x.w * y.w;
}

/* The sum over LANES neighbouring lanes, in each of them. */
template <int LANES> __device__ float lanes_sum(float value) {
#pragma unroll
    for (int distance = LANES / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    return value;
}

constexpr int row_lanes = 8;

/* A row of a state, or what has its length, in the registers of row_lanes lanes. */
template <int SIZE> struct row {
    static constexpr int vectors = SIZE / 4 / row_lanes;
    float4 at[vectors];

    /* `from` is the lane's first vector. */
    __device__ void load(const float *from) {
#pragma unroll
        for (int i = 0; i < vectors; ++i)
            at[i] = __ldcs(reinterpret_cast<const float4 *>(from) + i * row_lanes);
    }
    __device__ void load(const tm_bfloat16 *from) {
#pragma unroll
        for (int i = 0; i < vectors; ++i)
            at[i] = load_four(from + i * row_lanes * 4);
    }
    __device__ void clear() {
#pragma unroll
        for (int i = 0; i < vectors; ++i)
            at[i] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    }
    __device__ float dot_with(const row &other) const {
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < vectors; ++i)
            sum += dot(at[i], other.at[i]);
        return lanes_sum<row_lanes>(sum);
    }
    __device__ void store(float *to) const {
#pragma unroll
        for (int i = 0; i < vectors; ++i)
            __stcs(reinterpret_cast<float4 *>(to) + i * row_lanes, at[i]);
    }
    /* this = decay * this + change * k */
    __device__ void update(float decay, float change, const row &k) {
#pragma unroll
        for (int i = 0; i < vectors; ++i)
            at[i] = make_float4(
                decay * at[i].x + change * k.at[i].x, decay * at[i].y + change * k.at[i].y,
                decay * at[i].z + change * k.at[i].z, decay * at[i].w + change * k.at[i].w);
    }
};

/* What a definition calls `scale`: 0 stands for the usual. */
inline float scale_or_usual(float scale, int64_t size) {
    return scale == 0.0f ? 1.0f / sqrtf((float)size) : scale;
}

inline bool is_aligned(const void *pointer) {
    return (uintptr_t)pointer % sizeof(uint4) == 0;
}

/* What a number below 2^16 is multiplied by, and shifted by 32 bits, to be divided by `number`. */
inline uint64_t inverse(int number) {
    return (((uint64_t)1 << 32) + number - 1) / number;
}

/* 0 and the shares, or an error code for heads that do not share and tensors that no vector can be
 * read from. */
inline int check(inputs &in, const void *state, const void *new_state) {
    if (in.q_heads == 0 || in.k_heads == 0 || in.v_heads == 0 || in.v_heads % in.q_heads != 0 ||
        in.v_heads % in.k_heads != 0)
        return tm_fail(2, "num_v_heads: expected a multiple of num_q_heads and num_k_heads");
    if (in.v_heads > UINT16_MAX)
        return tm_fail(2, "num_v_heads: expected at most %d, got %d", UINT16_MAX, in.v_heads);
    in.q_share = inverse(in.v_heads / in.q_heads);
    in.k_share = inverse(in.v_heads / in.k_heads);
    if (!is_aligned(in.q) || !is_aligned(in.k) || !is_aligned(in.v) || !is_aligned(in.output) ||
        !is_aligned(state) || !is_aligned(new_state))
        return tm_fail(2, "expected tensors at multiples of 16 bytes");
    return 0;
}

inline int launched() {
    const cudaError_t status = cudaGetLastError();
    return status == cudaSuccess ? 0 : tm_fail(1, "launch: %s", cudaGetErrorString(status));
}

} // namespace

#endif
