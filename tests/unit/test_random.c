/* Whether lib/random.h draws what it says: distributions, independence, and bits that never
 * change from one release to the next. All seeds are fixed, so nothing here fails by chance. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/random.h"

#define SEED 20260430u
#define NORMALS (4 << 20)

static float float_of(uint64_t bits) {
    return tm_convert_bits_float((uint32_t)bits);
}

/* `count` float32 elements from element 0; caller frees. */
static float *draw_normals(uint64_t seed, uint32_t tensor, size_t count) {
    float *out = malloc(count * sizeof *out);
    assert_non_null(out);
    for (size_t block = 0; block < count / TM_RANDOM_BLOCK; block++) {
        uint64_t bits[TM_RANDOM_BLOCK];
        tm_random_block4(seed, tensor, TM_DTYPE_FLOAT32, block, bits);
        for (size_t i = 0; i < TM_RANDOM_BLOCK; i++)
            out[block * TM_RANDOM_BLOCK + i] = float_of(bits[i]);
    }
    return out;
}

static int compare_floats(const void *left, const void *right) {
    float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

static double normal_below(double x) {
    return 0.5 * erfc(-x / sqrt(2.0));
}

/* Limits are five standard errors of each statistic for this many independent N(0,1). */
static void test_normal_moments(void **state) {
    (void)state;
    float *x = draw_normals(SEED, 1, NORMALS);
    const double n = NORMALS;
    double sum[5] = {0};
    for (size_t i = 0; i < NORMALS; i++) {
        assert_true(isfinite(x[i]));
        double power = 1;
        for (int k = 1; k <= 4; k++)
            sum[k] += power *= (double)x[i];
    }
    assert_true(fabs(sum[1] / n) < 5 * sqrt(1 / n));
    assert_true(fabs(sum[2] / n - 1) < 5 * sqrt(2 / n));
    assert_true(fabs(sum[3] / n) < 5 * sqrt(15 / n));
    assert_true(fabs(sum[4] / n - 3) < 5 * sqrt(96 / n));
    free(x);
}

static void test_normal_distribution(void **state) {
    (void)state;
    float *x = draw_normals(SEED, 2, NORMALS);
    const double n = NORMALS;
    for (double limit = 1; limit <= 4.5; limit += 0.5) {
        double beyond = 0, share = 2 * normal_below(-limit);
        for (size_t i = 0; i < NORMALS; i++)
            beyond += fabs((double)x[i]) > limit;
        assert_true(fabs(beyond / n - share) < 5 * sqrt(share * (1 - share) / n));
    }
    qsort(x, NORMALS, sizeof *x, compare_floats);
    double distance = 0;
    for (size_t i = 0; i < NORMALS; i++) {
        double below = normal_below((double)x[i]);
        distance = fmax(distance, fmax(below - (double)i / n, ((double)i + 1) / n - below));
    }
    /* Kolmogorov and Smirnov: exceeded with probability 0.001. */
    assert_true(distance * sqrt(n) < 1.95);
    free(x);
}

static double correlation(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum / (double)count;
}

static void test_independence(void **state) {
    (void)state;
    const size_t count = 1 << 20;
    const double limit = 5 / sqrt((double)count);
    float *x = draw_normals(SEED, 0, count + 8);
    static const struct {
        uint64_t seed;
        uint32_t tensor;
    } others[] = {{SEED + 1, 0}, {SEED, 1}, {SEED ^ (uint64_t)1 << 32, 0}, {1, SEED}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        float *y = draw_normals(others[i].seed, others[i].tensor, count);
        assert_true(fabs(correlation(x, y, count)) < limit);
        free(y);
    }
    for (size_t lag = 1; lag <= 8; lag++)
        assert_true(fabs(correlation(x, x + lag, count)) < limit);
    /* The two of a pair share a radius: their squares tell when the angle is wrong. */
    for (size_t i = 0; i < count + 8; i++)
        x[i] = (x[i] * x[i] - 1) / sqrtf(2);
    for (size_t lag = 1; lag <= 8; lag++)
        assert_true(fabs(correlation(x, x + lag, count)) < limit);
    free(x);
}

/* The integer logarithm and sine against the library's, over their whole ranges. */
static void test_accuracy(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 1 << 20; i++) {
        uint32_t word = i * 4096u + (i * 2654435761u >> 20);
        double u = (double)(float)(int32_t)(word >> 1 | 1) * 0x1p-31;
        double exponential = tm_random_exponential(word) * 0x1p-26;
        if (fabs(exponential - -log(u)) > 2e-7)
            fail_msg("word 0x%08x: expected %.9f, got %.9f", word, -log(u), exponential);
        double sine = sin(acos(0.0) * (word * 0x1p-32));
        if (fabs(tm_random_sine(word) * 0x1p-30 - sine) > 2e-8)
            fail_msg("word 0x%08x: expected %.9f, got %.9f", word, sine,
                     tm_random_sine(word) * 0x1p-30);
    }
}

static void test_edge_words(void **state) {
    (void)state;
    static const uint32_t words[] = {0,           1,           2,           3,
                                     0x3fffffff,  0x40000000u, 0x7fffffff,  0x80000000u,
                                     0xbfffffffu, 0xc0000000u, 0xfffffffeu, 0xffffffffu};
    const size_t count = sizeof words / sizeof words[0];
    for (size_t i = 0; i < count; i++) {
        /* Near u = 1, where the two logarithms cancel, it must not fall below 0. */
        for (uint32_t near = 0; near < 100000; near++)
            assert_true(tm_random_exponential(words[i] - near) >= 0);
        for (size_t k = 0; k < count; k++) {
            float pair[2];
            tm_random_normals2(words[i], words[k], pair);
            assert_true(fabsf(pair[0]) < 6.6f && fabsf(pair[1]) < 6.6f);
        }
    }
    float pair[2];
    tm_random_normals2(0, 0, pair);
    assert_true(fabsf(pair[0]) > 6.5f); /* the far tail is reached */
    tm_random_normals2(0xffffffffu, 0, pair);
    assert_true(fabsf(pair[0]) < 1e-3f);
}

/* What each dtype stores, checked on the values themselves. */
static void test_narrow_floats(void **state) {
    (void)state;
    for (uint64_t block = 0; block < 50000; block++) {
        uint64_t normal[4], half[4], brain[4], e4m3[4], e5m2[4], e2m1[4];
        tm_random_block4(SEED, 7, TM_DTYPE_FLOAT32, block, normal);
        tm_random_block4(SEED, 7, TM_DTYPE_FLOAT16, block, half);
        tm_random_block4(SEED, 7, TM_DTYPE_BFLOAT16, block, brain);
        tm_random_block4(SEED, 7, TM_DTYPE_FLOAT8_E4M3FN, block, e4m3);
        tm_random_block4(SEED, 7, TM_DTYPE_FLOAT8_E5M2, block, e5m2);
        tm_random_block4(SEED, 7, TM_DTYPE_FLOAT4_E2M1, block, e2m1);
        for (int i = 0; i < 4; i++) {
            float value = float_of(normal[i]), clamped = fmaxf(-2, fminf(2, value));
            assert_int_equal(half[i], tm_convert_to_float16(value));
            assert_int_equal(brain[i], tm_convert_to_bfloat16(value));
            assert_int_equal(e4m3[i], tm_convert_to_e4m3fn(clamped));
            assert_int_equal(e5m2[i], tm_convert_to_e5m2(clamped));
            assert_int_equal(e2m1[i], tm_convert_to_e2m1(clamped));
            assert_true(fabsf(tm_convert_from_e2m1((uint8_t)e2m1[i])) <= 2);
        }
    }
}

/* Chi-squared over equally likely values in [low, low + count). */
static void check_uniform(tm_dtype dtype, int64_t low, int64_t count) {
    const size_t elems = 1 << 20;
    double *seen = calloc((size_t)count, sizeof *seen);
    assert_non_null(seen);
    for (size_t block = 0; block < elems / TM_RANDOM_BLOCK; block++) {
        uint64_t bits[TM_RANDOM_BLOCK];
        tm_random_block4(SEED, 9, dtype, block, bits);
        for (int i = 0; i < TM_RANDOM_BLOCK; i++) {
            int width = tm_dtype_bits(dtype);
            if (width < 64)
                assert_true(bits[i] >> width == 0);
            /* `bits` are little-endian here, as the stored element is. */
            int64_t value;
            tm_dtype_read_ints(dtype, &bits[i], 0, 1, &value);
            assert_true(value >= low && value < low + count);
            seen[value - low]++;
        }
    }
    double expected = (double)elems / (double)count, chi_squared = 0;
    for (int64_t i = 0; i < count; i++)
        chi_squared += (seen[i] - expected) * (seen[i] - expected) / expected;
    /* Five standard deviations of a chi-squared distribution. */
    double freedom = (double)count - 1;
    assert_true(fabs(chi_squared - freedom) < 5 * sqrt(2 * freedom));
    free(seen);
}

static void test_integers(void **state) {
    (void)state;
    check_uniform(TM_DTYPE_INT64, -1024, 2048);
    check_uniform(TM_DTYPE_INT32, -1024, 2048);
    check_uniform(TM_DTYPE_INT16, -1024, 2048);
    check_uniform(TM_DTYPE_INT8, -128, 256);
    check_uniform(TM_DTYPE_BOOL, 0, 2);
}

static void test_addressing(void **state) {
    (void)state;
    for (int dtype = 0; dtype < TM_DTYPE_COUNT; dtype++) {
        for (int64_t elem = 0; elem < 64; elem++) {
            uint64_t bits[TM_RANDOM_BLOCK];
            tm_random_block4(SEED, 3, (tm_dtype)dtype, (uint64_t)elem / TM_RANDOM_BLOCK, bits);
            assert_true(tm_random_bits(SEED, 3, (tm_dtype)dtype, elem) ==
                        bits[elem % TM_RANDOM_BLOCK]);
        }
    }
    /* Blocks 2^32 apart differ: the counter's high word is used. */
    uint64_t low = tm_random_bits(SEED, 3, TM_DTYPE_FLOAT32, 5);
    uint64_t high = tm_random_bits(SEED, 3, TM_DTYPE_FLOAT32, 5 + ((int64_t)4 << 32));
    assert_true(low != high);
}

/* Any change here changes every random input: old traces stop being repeatable. The first words are
 * one of Random123's known answers (kat_vectors); the values below agree with Box and Muller's
 * formula computed in float64 from the words of a separate Philox in Python. */
static void test_golden(void **state) {
    (void)state;
    philox4x32_ctr_t counter = {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    philox4x32_key_t key = {{0xa4093822, 0x299f31d0}};
    philox4x32_ctr_t words = philox4x32(counter, key);
    assert_true(words.v[0] == 0xd16cfe09 && words.v[1] == 0x94fdcceb && words.v[2] == 0x5001e420 &&
                words.v[3] == 0x24126ea1);
    static const uint64_t golden[TM_DTYPE_COUNT][TM_RANDOM_BLOCK] = {
        {0x3f92f62a, 0x3f0e9901, 0x3e782d7a, 0xbe6cbc11},
        {0x3c98, 0x3875, 0x33c1, 0xb366},
        {0x3f93, 0x3f0f, 0x3e78, 0xbe6d},
        {0x39, 0x31, 0x28, 0xa7},
        {0x3d, 0x38, 0x34, 0xb3},
        {0x2, 0x1, 0x0, 0x8},
        {0xffffffffffffff8b, 0xfffffffffffffc93, 0x390, 0xfffffffffffffef8},
        {0xffffff8b, 0xfffffc93, 0x390, 0xfffffef8},
        {0xff8b, 0xfc93, 0x390, 0xfef8},
        {0x71, 0x12, 0xf2, 0x5f},
        {0x0, 0x0, 0x1, 0x0},
    };
    for (int dtype = 0; dtype < TM_DTYPE_COUNT; dtype++) {
        for (int64_t i = 0; i < TM_RANDOM_BLOCK; i++) {
            int64_t elem = 4000000000 + i;
            uint64_t got = tm_random_bits(0x0123456789abcdef, 5, (tm_dtype)dtype, elem);
            if (got != golden[dtype][i])
                fail_msg("%s element %jd: expected 0x%jx, got 0x%jx",
                         tm_dtype_name((tm_dtype)dtype), (intmax_t)elem,
                         (uintmax_t)golden[dtype][i], (uintmax_t)got);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal_moments), cmocka_unit_test(test_normal_distribution),
        cmocka_unit_test(test_independence),   cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_edge_words),     cmocka_unit_test(test_narrow_floats),
        cmocka_unit_test(test_integers),       cmocka_unit_test(test_addressing),
        cmocka_unit_test(test_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
