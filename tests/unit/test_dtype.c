/* The conversions of lib/dtype against other ways to compute them: ldexp, the compiler's _Float16,
 * and a search for the nearest code. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/dtype.h"
#include "lib/dtype_convert.h"

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The i-th of a fixed sequence of words that look random (the finalizer of MurmurHash3). */
static uint32_t word_at(uint32_t i) {
    i += 0x9e3779b9u;
    i = (i ^ i >> 16) * 0x85ebca6bu;
    i = (i ^ i >> 13) * 0xc2b2ae35u;
    return i ^ i >> 16;
}

static void assert_same_float(float got, float expected, uint32_t code) {
    if (isnan(expected)) {
        if (!isnan(got) || signbit(got) != signbit(expected))
            fail_msg("code 0x%x: expected NaN, got %a", code, (double)got);
    } else if (bits_of(got) != bits_of(expected)) {
        fail_msg("code 0x%x: expected %a, got %a", code, (double)expected, (double)got);
    }
}

/* The value of a code by the definition of its format, infinities and NaN apart. */
static float formula(unsigned code, int mantissa_bits, int exponent_bits, int bias) {
    unsigned mantissa = code & ((1u << mantissa_bits) - 1);
    int exponent = (int)(code >> mantissa_bits & ((1u << exponent_bits) - 1));
    double value = exponent == 0 ? ldexp(mantissa, 1 - bias - mantissa_bits)
                                 : ldexp(1 + ldexp(mantissa, -mantissa_bits), exponent - bias);
    return (float)(code >> (mantissa_bits + exponent_bits) & 1 ? -value : value);
}

static float expected_e4m3fn(unsigned code) {
    if ((code & 0x7f) == 0x7f)
        return code & 0x80 ? -NAN : NAN;
    return formula(code, 3, 4, 7);
}

static float expected_e5m2(unsigned code) {
    if ((code & 0x7f) > 0x7c)
        return code & 0x80 ? -NAN : NAN;
    if ((code & 0x7f) == 0x7c)
        return code & 0x80 ? -INFINITY : INFINITY;
    return formula(code, 2, 5, 15);
}

static void test_names(void **state) {
    (void)state;
    for (int i = 0; i < TM_DTYPE_COUNT; i++) {
        tm_dtype dtype = TM_DTYPE_COUNT;
        assert_true(tm_dtype_parse(tm_dtype_name((tm_dtype)i), &dtype));
        assert_int_equal(dtype, i);
        assert_string_equal(tm_dtype_names()[i], tm_dtype_name((tm_dtype)i));
    }
    tm_dtype dtype = TM_DTYPE_INT8;
    assert_false(tm_dtype_parse("float", &dtype));
    assert_false(tm_dtype_parse("", &dtype));
    assert_int_equal(dtype, TM_DTYPE_INT8);
    assert_string_equal(tm_dtype_name(TM_DTYPE_FLOAT8_E4M3FN), "float8_e4m3fn");
    assert_string_equal(tm_dtype_name(TM_DTYPE_FLOAT4_E2M1), "float4_e2m1");
    assert_string_equal(tm_dtype_safetensors_name(TM_DTYPE_BFLOAT16), "BF16");
    assert_string_equal(tm_dtype_safetensors_name(TM_DTYPE_FLOAT8_E4M3FN), "F8_E4M3");
    assert_string_equal(tm_dtype_safetensors_name(TM_DTYPE_INT64), "I64");
    assert_true(tm_dtype_is_float(TM_DTYPE_FLOAT4_E2M1));
    assert_false(tm_dtype_is_float(TM_DTYPE_INT64));
    assert_false(tm_dtype_is_float(TM_DTYPE_BOOL));
}

static void test_sizes(void **state) {
    (void)state;
    static const int bits[TM_DTYPE_COUNT] = {32, 16, 16, 8, 8, 4, 64, 32, 16, 8, 8};
    size_t bytes = 99;
    for (int i = 0; i < TM_DTYPE_COUNT; i++) {
        assert_int_equal(tm_dtype_bits((tm_dtype)i), bits[i]);
        assert_true(tm_dtype_bytes((tm_dtype)i, 6, &bytes));
        assert_int_equal(bytes, 6 * bits[i] / 8);
        assert_true(tm_dtype_bytes((tm_dtype)i, 0, &bytes));
        assert_int_equal(bytes, 0);
        assert_false(tm_dtype_bytes((tm_dtype)i, -1, &bytes));
    }
    assert_true(tm_dtype_bytes(TM_DTYPE_FLOAT4_E2M1, 7, &bytes));
    assert_int_equal(bytes, 4);
    assert_true(tm_dtype_bytes(TM_DTYPE_FLOAT4_E2M1, INT64_MAX, &bytes));
    assert_true(bytes == (size_t)1 << 62);
    assert_true(tm_dtype_bytes(TM_DTYPE_BOOL, INT64_MAX, &bytes));
    assert_false(tm_dtype_bytes(TM_DTYPE_INT64, INT64_MAX, &bytes));
    assert_false(tm_dtype_bytes(TM_DTYPE_FLOAT32, (int64_t)1 << 62, &bytes));
}

static void test_codes_to_float(void **state) {
    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        assert_same_float(tm_convert_from_e4m3fn((uint8_t)code), expected_e4m3fn(code), code);
        assert_same_float(tm_convert_from_e5m2((uint8_t)code), expected_e5m2(code), code);
    }
    for (unsigned code = 0; code < 16; code++)
        assert_same_float(tm_convert_from_e2m1((uint8_t)code), formula(code, 1, 2, 1), code);
    for (unsigned code = 0; code < 65536; code++) {
        uint16_t half = (uint16_t)code;
        _Float16 native;
        memcpy(&native, &half, sizeof native);
        assert_same_float(tm_convert_from_float16(half), (float)native, code);
        assert_int_equal(bits_of(tm_convert_from_bfloat16(half)), code << 16);
    }
    assert_true(tm_convert_from_e4m3fn(0x7e) == 448);
    assert_true(tm_convert_from_e5m2(0x7b) == 57344);
    assert_true(tm_convert_from_e2m1(0x7) == 6);
}

static void test_round_trips(void **state) {
    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        assert_int_equal(tm_convert_to_e4m3fn(tm_convert_from_e4m3fn((uint8_t)code)), code);
        float value = tm_convert_from_e5m2((uint8_t)code);
        uint8_t back = tm_convert_to_e5m2(value);
        if (isnan(value))
            assert_true((back & 0x7f) > 0x7c && (back & 0x80) == (code & 0x80));
        else
            assert_int_equal(back, code);
    }
    for (unsigned code = 0; code < 16; code++)
        assert_int_equal(tm_convert_to_e2m1(tm_convert_from_e2m1((uint8_t)code)), code);
    for (unsigned code = 0; code < 65536; code++) {
        float half = tm_convert_from_float16((uint16_t)code);
        float brain = tm_convert_from_bfloat16((uint16_t)code);
        uint16_t half_back = tm_convert_to_float16(half),
                 brain_back = tm_convert_to_bfloat16(brain);
        if (isnan(half))
            assert_true((half_back & 0x7fff) > 0x7c00 && (half_back & 0x8000) == (code & 0x8000));
        else
            assert_int_equal(half_back, code);
        if (isnan(brain))
            assert_true((brain_back & 0x7fff) > 0x7f80 && (brain_back & 0x8000) == (code & 0x8000));
        else
            assert_int_equal(brain_back, code);
    }
}

static void check_float16(float value) {
    _Float16 native = (_Float16)value;
    uint16_t expected, got = tm_convert_to_float16(value);
    memcpy(&expected, &native, sizeof expected);
    bool good =
        isnan(value) ? (got & 0x7fff) > 0x7c00 && got >> 15 == expected >> 15 : got == expected;
    if (!good)
        fail_msg("float16 of %a: expected 0x%04x, got 0x%04x", (double)value, expected, got);
}

/* Nearest of the two neighbours by distance, as if exponents had no upper end. */
static void check_bfloat16(float value) {
    uint32_t bits = bits_of(value), low = bits >> 16, got = tm_convert_to_bfloat16(value);
    if (isnan(value)) {
        if ((got & 0x7fff) <= 0x7f80 || got >> 15 != bits >> 31)
            fail_msg("bfloat16 of a NaN: got 0x%04x", got);
        return;
    }
    uint32_t expected = low;
    if (!isinf(value)) {
        double size = fabs((double)value), below = float_of((low & 0x7fff) << 16);
        uint32_t next = (low & 0x7fff) + 1;
        double above = next == 0x7f80 ? 0x1p128 : (double)float_of(next << 16);
        double down = size - below, up = above - size;
        expected += up < down || (up == down && low % 2 == 1);
    }
    if (got != expected)
        fail_msg("bfloat16 of %a: expected 0x%04x, got 0x%04x", (double)value, expected, got);
}

static void test_halves_round(void **state) {
    (void)state;
    static const float special[] = {0.0f,      -0.0f,          65504.0f,  65519.996f, 65520.0f,
                                    -65520.0f, 1e38f,          0x1p-24f,  0x1p-25f,   0x1.8p-25f,
                                    0x1p-26f,  INFINITY,       -INFINITY, NAN,        -NAN,
                                    0x1p-149f, 0x1.fffffep127f};
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        check_float16(special[i]);
        check_bfloat16(special[i]);
    }
    for (uint32_t code = 0; code < 0x7c00; code++) {
        /* The values of this code and the next, halfway between them, and beside that. */
        uint32_t bits = bits_of(tm_convert_from_float16((uint16_t)code));
        uint32_t after = bits_of(tm_convert_from_float16((uint16_t)(code + 1)));
        uint32_t halfway = bits_of((float_of(bits) + float_of(after)) / 2);
        if (code + 1 == 0x7c00)
            halfway = bits_of(65520);
        for (uint32_t near = halfway - 1; near != halfway + 2; near++) {
            check_float16(float_of(near));
            check_float16(-float_of(near));
        }
    }
    for (uint32_t high = 0; high < 0x10000; high++) {
        check_bfloat16(float_of(high << 16 | 0x7fff));
        check_bfloat16(float_of(high << 16 | 0x8000));
        check_bfloat16(float_of(high << 16 | 0x8001));
    }
    for (uint32_t i = 0; i < 1000000; i++) {
        uint32_t word = word_at(i);
        check_float16(float_of(word));
        check_bfloat16(float_of(word));
        /* Exponents around those of float16. */
        check_float16(float_of((word & 0x807fffffu) | (100 + (word >> 23) % 48) << 23));
    }
}

/* A format of at most 8 bits, as its positive values in order of their codes. */
typedef struct {
    const char *name;
    uint8_t (*to)(float);
    float (*from)(uint8_t);
    unsigned last;     /* largest finite code */
    double beyond;     /* what the next code would be worth */
    unsigned overflow; /* code of what rounds to `beyond` */
    unsigned sign;     /* bit of the sign */
} narrow_format;

static const narrow_format narrow_formats[] = {
    {"e4m3fn", tm_convert_to_e4m3fn, tm_convert_from_e4m3fn, 0x7e, 480, 0x7f, 0x80},
    {"e5m2", tm_convert_to_e5m2, tm_convert_from_e5m2, 0x7b, 65536, 0x7c, 0x80},
    {"e2m1", tm_convert_to_e2m1, tm_convert_from_e2m1, 0x7, 8, 0x7, 0x8},
};

static double narrow_value(const narrow_format *format, unsigned code) {
    return code > format->last ? format->beyond : (double)format->from((uint8_t)code);
}

/* Searches all codes for the nearest one; of two, the even one. */
static void check_narrow(const narrow_format *format, float value) {
    double size = fabs((double)value), least = INFINITY;
    unsigned expected = 0;
    for (unsigned code = 0; code <= format->last + 1; code++) {
        double distance = fabs(narrow_value(format, code) - size);
        if (distance < least || (distance == least && code % 2 == 0)) {
            least = distance;
            expected = code;
        }
    }
    if (expected > format->last || size >= format->beyond)
        expected = format->overflow;
    if (signbit(value))
        expected |= format->sign;
    unsigned got = format->to(value);
    if (got != expected)
        fail_msg("%s of %a: expected 0x%02x, got 0x%02x", format->name, (double)value, expected,
                 got);
}

static void test_narrow_round(void **state) {
    (void)state;
    for (size_t f = 0; f < sizeof narrow_formats / sizeof narrow_formats[0]; f++) {
        const narrow_format *format = &narrow_formats[f];
        for (unsigned code = 0; code <= format->last; code++) {
            float halfway =
                (float)((narrow_value(format, code) + narrow_value(format, code + 1)) / 2);
            check_narrow(format, halfway);
            check_narrow(format, -halfway);
            check_narrow(format, nextafterf(halfway, 0));
            check_narrow(format, nextafterf(halfway, INFINITY));
        }
        static const float special[] = {0.0f, -0.0f, 1e30f, -1e30f, INFINITY, -INFINITY, 0x1p-149f};
        for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
            check_narrow(format, special[i]);
        for (uint32_t i = 0; i < 20000; i++) {
            /* Exponents from far below the least value to above the largest. */
            uint32_t word = word_at(i);
            check_narrow(format, float_of((word & 0x807fffffu) | (105 + (word >> 23) % 40) << 23));
        }
    }
    assert_int_equal(tm_convert_to_e4m3fn(NAN), 0x7f);
    assert_int_equal(tm_convert_to_e4m3fn(-NAN), 0xff);
    assert_true((tm_convert_to_e5m2(NAN) & 0x7f) > 0x7c);
    assert_true(tm_convert_to_e5m2(-NAN) > 0xfc);
    assert_int_equal(tm_convert_to_e2m1(NAN), 0x7);
    assert_int_equal(tm_convert_to_e2m1(-NAN), 0x7);
}

static void test_buffers(void **state) {
    (void)state;
    static const float values[] = {0.5f, -1, 1.5f, 2, -3, 4, 6};
    const int64_t count = 5, begin = 1;
    for (int i = 0; i < TM_DTYPE_COUNT; i++) {
        tm_dtype dtype = (tm_dtype)i;
        if (!tm_dtype_is_float(dtype))
            continue;
        union {
            unsigned char bytes[32];
            float align;
        } buffer;
        memset(buffer.bytes, 0xaa, sizeof buffer.bytes);
        tm_dtype_write_floats(dtype, buffer.bytes, begin, count, values);
        float back[5];
        tm_dtype_read_floats(dtype, buffer.bytes, begin, count, back);
        assert_memory_equal(back, values, sizeof back);
        tm_dtype_read_floats(dtype, buffer.bytes, begin + 2, 1, back);
        assert_true(back[0] == values[2]);
        /* Neighbours stay as they were: the bits before the first and behind the last element. */
        size_t bits = (size_t)tm_dtype_bits(dtype);
        for (size_t bit = 0; bit < sizeof buffer.bytes * 8; bit++) {
            if (bit < bits || bit >= bits * (size_t)(begin + count))
                assert_int_equal(buffer.bytes[bit / 8] >> bit % 8 & 1, bit % 2);
        }
    }
    uint8_t packed[2] = {0, 0};
    tm_dtype_write_floats(TM_DTYPE_FLOAT4_E2M1, packed, 0, 3, values); /* 0.5, -1, 1.5 */
    assert_int_equal(packed[0], 0xa1);
    assert_int_equal(packed[1], 0x03);
}

static void test_integers(void **state) {
    (void)state;
    static const int64_t wide[] = {INT64_MIN, -1, INT64_MAX, 0x123456789abcdefLL};
    static const int32_t words[] = {7, INT32_MIN, -1, INT32_MAX};
    static const int16_t shorts[] = {7, INT16_MIN, -1, INT16_MAX};
    static const int8_t bytes[] = {7, INT8_MIN, -1, INT8_MAX};
    static const uint8_t bools[] = {0, 1, 0, 1};
    int64_t out[4];
    tm_dtype_read_ints(TM_DTYPE_INT64, wide, 0, 4, out);
    assert_memory_equal(out, wide, sizeof out);
    tm_dtype_read_ints(TM_DTYPE_INT32, words, 1, 3, out);
    assert_true(out[0] == INT32_MIN && out[1] == -1 && out[2] == INT32_MAX);
    tm_dtype_read_ints(TM_DTYPE_INT16, shorts, 1, 3, out);
    assert_true(out[0] == INT16_MIN && out[1] == -1 && out[2] == INT16_MAX);
    tm_dtype_read_ints(TM_DTYPE_INT8, bytes, 1, 3, out);
    assert_true(out[0] == INT8_MIN && out[1] == -1 && out[2] == INT8_MAX);
    tm_dtype_read_ints(TM_DTYPE_BOOL, bools, 1, 2, out);
    assert_true(out[0] == 1 && out[1] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),          cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_codes_to_float), cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_halves_round),   cmocka_unit_test(test_narrow_round),
        cmocka_unit_test(test_buffers),        cmocka_unit_test(test_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
