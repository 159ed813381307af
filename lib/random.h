/* random: the values of random inputs (docs/FORMATS.md), the same bits on every device.
 *
 * Element `elem` of tensor `tensor` depends on (seed, tensor, dtype, elem) and on nothing else: not
 * on threads, order or device. Philox4x32-10 (Random123) makes four words per block of four
 * elements. Everything after that is integer arithmetic, except one correctly rounded square root
 * and multiplications with nothing added to them, so neither fused multiply-adds nor a
 * mathematical library can change a bit; tests/unit/random_cuda.cu compares the devices.
 *
 * A loop that calls tm_random_block4 for consecutive blocks with a constant dtype becomes vector
 * code under -O3 -fno-math-errno (with math-errno, sqrtf may set errno and keeps the loop scalar).
 * Deliberately does not know memory, threads or packing: two float4_e2m1 elements make one byte. */
#ifndef TM_RANDOM_H
#define TM_RANDOM_H

#include <stdint.h>

#include <Random123/philox.h>

#include "lib/dtype.h"
#include "lib/dtype_convert.h"

#ifdef __FAST_MATH__
#error "random.h needs correctly rounded square roots; compile this file without -ffast-math"
#endif

#ifdef __CUDACC__
#define TM_RANDOM_FN static __host__ __device__ __forceinline__
#else
#define TM_RANDOM_FN static inline
#endif

/* Elements per block. */
#define TM_RANDOM_BLOCK 4

TM_RANDOM_FN float tm_random_sqrt(float x) {
#ifdef __CUDA_ARCH__
    return __fsqrt_rn(x);
#else
    return __builtin_sqrtf(x);
#endif
}

/* (a * b) / 2^32, rounded down. */
TM_RANDOM_FN uint32_t tm_random_mulhi(uint32_t a, uint32_t b) {
    return (uint32_t)((uint64_t)a * b >> 32);
}

/* -2 ln(u) for u = (word / 2 | 1) / 2^31, rounded to 24 bits, in units of 2^-25: below 2^31.
 * u = m 2^-k with m in [1, 2): k ln 2 - ln m, ln m = f (c0 - f (c1 - f (...))), f = m - 1.
 * The coefficients are a minimax fit of ln(1+f)/f on [0, 1] in units of 2^-31, error 4e-9. */
TM_RANDOM_FN int32_t tm_random_exponential(uint32_t word) {
    /* Signed conversions are one instruction everywhere; hence 31 bits and not 32. */
    uint32_t bits = tm_convert_float_bits((float)(int32_t)(word >> 1 | 1));
    uint32_t k = 127 + 31 - (bits >> 23);
    uint32_t f = bits << 9;
    uint32_t p = 0x006d67b0u;
    p = 0x029877f9u - tm_random_mulhi(p, f);
    p = 0x0764a9feu - tm_random_mulhi(p, f);
    p = 0x0dad1f1eu - tm_random_mulhi(p, f);
    p = 0x13a6f824u - tm_random_mulhi(p, f);
    p = 0x1934d379u - tm_random_mulhi(p, f);
    p = 0x1ff20624u - tm_random_mulhi(p, f);
    p = 0x2aa9aa2fu - tm_random_mulhi(p, f);
    p = 0x3ffff8cdu - tm_random_mulhi(p, f);
    p = 0x7ffffff7u - tm_random_mulhi(p, f);
    return (int32_t)(k * 0x02c5c860u - (tm_random_mulhi(p, f) >> 5));
}

/* sin(pi/2 t) for t in units of 2^-32, in units of 2^-30. With z = t^2 a minimax fit of
 * sin(pi/2 t)/t on [0, 1], error 7e-9. */
TM_RANDOM_FN int32_t tm_random_sine(uint32_t t) {
    uint32_t z = tm_random_mulhi(t, t);
    uint32_t p = 0x00027c30u;
    p = 0x004c94d6u - tm_random_mulhi(p, z);
    p = 0x0519a3c7u - tm_random_mulhi(p, z);
    p = 0x29577863u - tm_random_mulhi(p, z);
    p = 0x6487ed4au - tm_random_mulhi(p, z);
    return (int32_t)tm_random_mulhi(p, t);
}

/* Two independent N(0,1) from two words (Box and Muller): a radius, an angle in the first quadrant,
 * and two signs. At most 6.56 in magnitude, never NaN. */
TM_RANDOM_FN void tm_random_normals2(uint32_t word0, uint32_t word1, float out[2]) {
    float radius = tm_random_sqrt((float)tm_random_exponential(word0) * 0x1p-25f);
    uint32_t t = word1 << 2 | 2; /* never 0: the angle and its complement are drawn alike */
    float sine = radius * ((float)tm_random_sine(t) * 0x1p-30f);
    float cosine = radius * ((float)tm_random_sine(0u - t) * 0x1p-30f);
    out[0] = tm_convert_sign(cosine, word1 >> 31);
    out[1] = tm_convert_sign(sine, word1 >> 30 & 1);
}

TM_RANDOM_FN float tm_random_clamp(float value) {
    value = value < 2.0f ? value : 2.0f;
    return value > -2.0f ? value : -2.0f;
}

/* Stored bits of one normal value in a floating dtype. */
TM_RANDOM_FN uint64_t tm_random_store(tm_dtype dtype, float normal) {
    switch (dtype) {
    case TM_DTYPE_FLOAT16:
        return tm_convert_to_float16(normal);
    case TM_DTYPE_BFLOAT16:
        return tm_convert_to_bfloat16(normal);
    case TM_DTYPE_FLOAT8_E4M3FN:
        return tm_convert_to_e4m3fn(tm_random_clamp(normal));
    case TM_DTYPE_FLOAT8_E5M2:
        return tm_convert_to_e5m2(tm_random_clamp(normal));
    case TM_DTYPE_FLOAT4_E2M1:
        return tm_convert_to_e2m1(tm_random_clamp(normal));
    default:
        return tm_convert_float_bits(normal);
    }
}

/* Stored bits of one integer or bool element from a word. */
TM_RANDOM_FN uint64_t tm_random_store_int(tm_dtype dtype, uint32_t word) {
    uint64_t value = (uint64_t)((int64_t)(word >> 21) - 1024);
    switch (dtype) {
    case TM_DTYPE_INT32:
        return value & 0xffffffffu;
    case TM_DTYPE_INT16:
        return value & 0xffffu;
    case TM_DTYPE_INT8:
        return word >> 24;
    case TM_DTYPE_BOOL:
        return word >> 31;
    default:
        return value;
    }
}

/* Stored bits of the elements 4 * block ... 4 * block + 3. */
TM_RANDOM_FN void tm_random_block4(uint64_t seed, uint32_t tensor, tm_dtype dtype, uint64_t block,
                                   uint64_t out[TM_RANDOM_BLOCK]) {
    philox4x32_ctr_t counter = {{(uint32_t)block, (uint32_t)(block >> 32), tensor, 0}};
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t words = philox4x32(counter, key);
    if (dtype < TM_DTYPE_INT64) { /* the floating ones come first */
        float normals[TM_RANDOM_BLOCK];
        tm_random_normals2(words.v[0], words.v[1], normals);
        tm_random_normals2(words.v[2], words.v[3], normals + 2);
        for (int i = 0; i < TM_RANDOM_BLOCK; i++)
            out[i] = tm_random_store(dtype, normals[i]);
    } else {
        for (int i = 0; i < TM_RANDOM_BLOCK; i++)
            out[i] = tm_random_store_int(dtype, words.v[i]);
    }
}

/* Stored bits of one element; for whole buffers tm_random_block4 does a quarter of the work. */
TM_RANDOM_FN uint64_t tm_random_bits(uint64_t seed, uint32_t tensor, tm_dtype dtype, int64_t elem) {
    uint64_t out[TM_RANDOM_BLOCK];
    tm_random_block4(seed, tensor, dtype, (uint64_t)elem / TM_RANDOM_BLOCK, out);
    return out[elem % TM_RANDOM_BLOCK];
}

#endif
