/* dtype_convert: float32 to and from the narrow floating types, for C and for CUDA code alike.
 *
 * Works on the bits with integers (and exact scalings by powers of two), so no compiler flag,
 * device or rounding mode changes a result. The one source of these conversions: lib/dtype.c and
 * lib/random.h are built on it. Rounds to nearest, ties to even; what happens beyond the
 * largest value stands at each function. NaNs stay NaNs with their sign. */
#ifndef TM_DTYPE_CONVERT_H
#define TM_DTYPE_CONVERT_H

#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define TM_CONVERT_FN static __host__ __device__ __forceinline__
#else
#define TM_CONVERT_FN static inline
#endif

TM_CONVERT_FN uint32_t tm_convert_float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

TM_CONVERT_FN float tm_convert_bits_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The exponent and mantissa code of |value| in a format with `mantissa_bits` and `bias`, rounded as
 * if exponents had no upper end. `magnitude` is the float32 code of |value|, not NaN. Both branches
 * are always computed, so that a loop over this becomes vector code. */
TM_CONVERT_FN uint32_t tm_convert_narrow(uint32_t magnitude, int mantissa_bits, int bias) {
    const int drop = 23 - mantissa_bits;
    const uint32_t least_exponent = (uint32_t)(128 - bias); /* float32 exponent of 2^(1 - bias) */
    uint32_t exponent = magnitude >> 23;

    uint32_t normal = magnitude - ((least_exponent - 1) << 23);
    normal = (normal + (1u << (drop - 1)) - 1 + ((normal >> drop) & 1)) >> drop;

    /* Below the least normal: shift the mantissa to the fixed place of the subnormals. A float32
     * subnormal is far below half of the least one of every format here. */
    uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    uint32_t shift = (uint32_t)drop + least_exponent - exponent;
    shift = exponent < least_exponent ? shift : 1;
    shift = shift < 31 ? shift : 31;
    uint32_t subnormal = (mantissa + (1u << (shift - 1)) - 1 + ((mantissa >> shift) & 1)) >> shift;

    return exponent < least_exponent ? subnormal : normal;
}

/* The value of a finite code without its sign. */
TM_CONVERT_FN float tm_convert_widen(uint32_t code, int mantissa_bits, int bias) {
    uint32_t exponent = code >> mantissa_bits;
    uint32_t mantissa = code & ((1u << mantissa_bits) - 1);
    uint32_t normal = (code << (23 - mantissa_bits)) + ((uint32_t)(127 - bias) << 23);
    float least = tm_convert_bits_float((uint32_t)(128 - bias - mantissa_bits) << 23);
    return exponent ? tm_convert_bits_float(normal) : (float)mantissa * least;
}

TM_CONVERT_FN float tm_convert_sign(float magnitude, uint32_t negative) {
    return tm_convert_bits_float(tm_convert_float_bits(magnitude) | negative << 31);
}

/* Overflows to infinity. */
TM_CONVERT_FN uint16_t tm_convert_to_float16(float value) {
    uint32_t bits = tm_convert_float_bits(value), magnitude = bits & 0x7fffffffu;
    uint32_t code = tm_convert_narrow(magnitude, 10, 15);
    code = code < 0x7c00u ? code : 0x7c00u;
    code = magnitude > 0x7f800000u ? 0x7e00u | ((magnitude >> 13) & 0x3ffu) : code;
    return (uint16_t)(code | (bits >> 31) << 15);
}

TM_CONVERT_FN float tm_convert_from_float16(uint16_t bits) {
    uint32_t code = bits & 0x7fffu;
    float magnitude = code < 0x7c00u ? tm_convert_widen(code, 10, 15)
                                     : tm_convert_bits_float(0x7f800000u | (code & 0x3ffu) << 13);
    return tm_convert_sign(magnitude, bits >> 15);
}

/* Overflows to infinity. */
TM_CONVERT_FN uint16_t tm_convert_to_bfloat16(float value) {
    uint32_t bits = tm_convert_float_bits(value);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded);
}

TM_CONVERT_FN float tm_convert_from_bfloat16(uint16_t bits) {
    return tm_convert_bits_float((uint32_t)bits << 16);
}

/* Beyond 464, halfway to the value that the NaN code would be, gives NaN, as does infinity. */
TM_CONVERT_FN uint8_t tm_convert_to_e4m3fn(float value) {
    uint32_t bits = tm_convert_float_bits(value), magnitude = bits & 0x7fffffffu;
    uint32_t code = tm_convert_narrow(magnitude, 3, 7);
    code = code < 0x7fu ? code : 0x7fu;
    return (uint8_t)(code | (bits >> 31) << 7);
}

TM_CONVERT_FN float tm_convert_from_e4m3fn(uint8_t bits) {
    uint32_t code = bits & 0x7fu;
    float magnitude =
        code < 0x7fu ? tm_convert_widen(code, 3, 7) : tm_convert_bits_float(0x7fc00000u);
    return tm_convert_sign(magnitude, (uint32_t)bits >> 7);
}

/* Overflows to infinity. */
TM_CONVERT_FN uint8_t tm_convert_to_e5m2(float value) {
    uint32_t bits = tm_convert_float_bits(value), magnitude = bits & 0x7fffffffu;
    uint32_t code = tm_convert_narrow(magnitude, 2, 15);
    code = code < 0x7cu ? code : 0x7cu;
    code = magnitude > 0x7f800000u ? 0x7eu | ((magnitude >> 21) & 3u) : code;
    return (uint8_t)(code | (bits >> 31) << 7);
}

TM_CONVERT_FN float tm_convert_from_e5m2(uint8_t bits) {
    return tm_convert_from_float16((uint16_t)(bits << 8));
}

/* Saturates at 6. There is no NaN code: NaN gives +6, as __nv_cvt_float_to_fp4 does. The result
 * stands in the low four bits. */
TM_CONVERT_FN uint8_t tm_convert_to_e2m1(float value) {
    uint32_t bits = tm_convert_float_bits(value), magnitude = bits & 0x7fffffffu;
    uint32_t code = tm_convert_narrow(magnitude, 1, 1);
    code = (code < 7u ? code : 7u) | (bits >> 31) << 3;
    return (uint8_t)(magnitude > 0x7f800000u ? 7u : code);
}

TM_CONVERT_FN float tm_convert_from_e2m1(uint8_t low_four_bits) {
    return tm_convert_sign(tm_convert_widen(low_four_bits & 7u, 1, 1), (low_four_bits >> 3) & 1u);
}

#endif
