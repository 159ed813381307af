/* Rotary position embedding on the CPU: tokens over OpenMP threads, LANES pairs at a time. The
 * angles of a token are looked up once for all of its heads and stay in the L1. */
#include "contract.h"

enum {
    LANES = 8,
    SERIAL_ELEMS = 1 << 14, /* below, waking the other threads takes longer than the work */
};

typedef uint16_t narrow_vector __attribute__((vector_size(2 * LANES)));
typedef uint32_t bits_vector __attribute__((vector_size(4 * LANES)));
typedef float float_vector __attribute__((vector_size(4 * LANES)));

typedef struct {
    int64_t head_size, pairs;
    int interleaved;
} shape;

static inline float widen(tm_bfloat16 x) {
    const uint32_t bits = (uint32_t)x.bits << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline tm_bfloat16 narrow(float value) { /* to nearest even; NaN becomes a quiet NaN */
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = value == value ? bits + 0x7fff + (bits >> 16 & 1) : bits | 0x400000;
    return (tm_bfloat16){(uint16_t)(bits >> 16)};
}

/* The same of LANES, as the high half of each word. */
static inline bits_vector round_vector(float_vector value) {
    const bits_vector bits = (bits_vector)value, is_number = (bits_vector)(value == value);
    return (bits + ((0x7fffu + (bits >> 16 & 1u)) & is_number)) | (~is_number & 0x400000u);
}

static inline float_vector load_half(const tm_bfloat16 *from) {
    narrow_vector bits;
    memcpy(&bits, from, sizeof bits);
    return (float_vector)(__builtin_convertvector(bits, bits_vector) << 16);
}

static inline void store_half(float_vector value, tm_bfloat16 *to) {
    const narrow_vector bits = __builtin_convertvector(round_vector(value) >> 16, narrow_vector);
    memcpy(to, &bits, sizeof bits);
}

/* Pairs [i, i + LANES) of a head, of which `x` are the first elements. */
static inline void rotate_vector(const tm_bfloat16 *from, const float *cosines, const float *sines,
                                 const shape *shape, int64_t i, tm_bfloat16 *to) {
    float_vector cosine, sine, x, y;
    bits_vector words;
    memcpy(&cosine, cosines + i, sizeof cosine);
    memcpy(&sine, sines + i, sizeof sine);
    if (shape->interleaved) { /* x is the low half of a word, y the high */
        memcpy(&words, from + 2 * i, sizeof words);
        x = (float_vector)(words << 16);
        y = (float_vector)(words & 0xffff0000u);
    } else {
        x = load_half(from + i);
        y = load_half(from + shape->pairs + i);
    }
    const float_vector first = x * cosine - y * sine, second = y * cosine + x * sine;
    if (shape->interleaved) {
        words = round_vector(first) >> 16 | (round_vector(second) & 0xffff0000u);
        memcpy(to + 2 * i, &words, sizeof words);
    } else {
        store_half(first, to + i);
        store_half(second, to + shape->pairs + i);
    }
}

static inline void rotate_head(const tm_bfloat16 *from, const float *cosines, const float *sines,
                               const shape *shape, tm_bfloat16 *to) {
    int64_t i = 0;
    for (; i + LANES <= shape->pairs; i += LANES)
        rotate_vector(from, cosines, sines, shape, i, to);
    for (; i < shape->pairs; ++i) {
        const int64_t first = shape->interleaved ? 2 * i : i;
        const int64_t second = shape->interleaved ? first + 1 : first + shape->pairs;
        const float x = widen(from[first]), y = widen(from[second]);
        to[first] = narrow(x * cosines[i] - y * sines[i]);
        to[second] = narrow(y * cosines[i] + x * sines[i]);
    }
    const int64_t rotated = 2 * shape->pairs;
    memcpy(to + rotated, from + rotated, (size_t)(shape->head_size - rotated) * sizeof *to);
}

int TM_ENTRY(const tm_bfloat16 *q, const tm_bfloat16 *k, const float *cos_sin_cache,
             const int64_t *positions, tm_bfloat16 *q_out, tm_bfloat16 *k_out, const tm_axes *axes,
             tm_stream stream) {
    (void)stream;
    const shape shape = {axes->head_size, axes->rotary_dim / 2, axes->interleaved != 0};
    const int64_t q_elems = axes->num_qo_heads * shape.head_size;
    const int64_t k_elems = axes->num_kv_heads * shape.head_size;
    int64_t refused = 0;
#pragma omp parallel for schedule(static) reduction(+ : refused) \
    if (axes->num_tokens * (q_elems + k_elems) >= SERIAL_ELEMS)
    for (int64_t token = 0; token < axes->num_tokens; ++token) {
        const int64_t position = positions[token];
        if (position < 0 || position >= axes->max_seq_len) {
            refused++;
            continue;
        }
        const float *cosines = cos_sin_cache + position * axes->rotary_dim;
        const float *sines = cosines + shape.pairs;
        for (int64_t at = 0; at < q_elems; at += shape.head_size)
            rotate_head(q + token * q_elems + at, cosines, sines, &shape,
                        q_out + token * q_elems + at);
        for (int64_t at = 0; at < k_elems; at += shape.head_size)
            rotate_head(k + token * k_elems + at, cosines, sines, &shape,
                        k_out + token * k_elems + at);
    }
    return refused == 0 ? 0
                        : tm_fail(2, "%lld positions outside of the table of %lld",
                                  (long long)refused, (long long)axes->max_seq_len);
}
