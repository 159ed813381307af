/* random_rows: the values of random inputs that are more than independent elements, the same bits
 * on every device: rows of probabilities, pages of an FP8 key cache (random_form.h).
 *
 * Probabilities are the softmax of N(0,1). Each normal value, element k of row r being element
 * k % TM_RANDOM_BLOCK of block r * tm_random_row_blocks + k / TM_RANDOM_BLOCK of random.h, becomes
 * an integer weight by integer arithmetic; integers are summed, in any order; one division, rounded
 * twice by IEEE's rule, makes a probability.
 *
 * A token of the key cache has N(0,1) keys x; its scale is absmax / 448, a key is x / scale as
 * float8_e4m3fn. A page holds the keys of its tokens, one after the other, and then their scales.
 */
#ifndef TM_RANDOM_ROWS_H
#define TM_RANDOM_ROWS_H

#include "lib/random.h"

/* Blocks of TM_RANDOM_BLOCK that a row of so many elements draws from. */
TM_RANDOM_FN uint64_t tm_random_row_blocks(int64_t elems) {
    return ((uint64_t)elems + TM_RANDOM_BLOCK - 1) / TM_RANDOM_BLOCK;
}

/* e^x in units of 2^-24, for |x| < 7: below 2^35. x / ln 2 = k + f; 2^f by a polynomial in f (the
 * Taylor series of 2^f, its last coefficient raised so that the sum at f = 1 is 2), error 7e-6. */
TM_RANDOM_FN uint64_t tm_random_weight(float x) {
    /* Truncation of a product: one rounding that no device can do otherwise. 16 > 7 / ln 2. */
    uint32_t t = (uint32_t)((int32_t)(x * (0x1p24f * 1.44269504f)) + (16 << 24));
    uint32_t k = t >> 24, f = t << 8;
    uint32_t p = 0x00314916u; /* units of 2^-31 */
    p = 0x013b2ab7u + tm_random_mulhi(p, f);
    p = 0x071ac236u + tm_random_mulhi(p, f);
    p = 0x1ebfbe00u + tm_random_mulhi(p, f);
    p = 0x58b90bfcu + tm_random_mulhi(p, f);
    uint64_t mantissa = 0x80000000u + (uint64_t)tm_random_mulhi(p, f);
    return mantissa << k >> (31 + 16 - 24);
}

/* Of a weight in a row whose weights have this sum. */
TM_RANDOM_FN float tm_random_probability(uint64_t weight, uint64_t sum) {
#ifdef __CUDA_ARCH__
    return __double2float_rn(__ddiv_rn(__ull2double_rn(weight), __ull2double_rn(sum)));
#else
    return (float)((double)weight / (double)sum);
#endif
}

TM_RANDOM_FN float tm_random_divide(float a, float b) {
#ifdef __CUDA_ARCH__
    return __fdiv_rn(a, b);
#else
    return a / b;
#endif
}

/* The scale of a token whose largest |key| is this. */
TM_RANDOM_FN float tm_random_key_scale(float absmax) {
    return tm_random_divide(absmax > 1e-4f ? absmax : 1e-4f, 448.0f);
}

TM_RANDOM_FN uint8_t tm_random_key(float x, float scale) {
    return tm_convert_to_e4m3fn(tm_random_divide(x, scale));
}

#endif
