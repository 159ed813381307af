#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/layout.h"
#include "lib/text.h"

static void test_arena_objects_are_zeroed_aligned_and_apart(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    /* Small ones, ones that end blocks, and ones bigger than any block. */
    static const size_t sizes[] = {0, 1, 15, 16, 17, 1000, 16384, 16385, 70000, 3 << 20};
    unsigned char *objects[200];
    for (size_t i = 0; i < 200; i++) {
        size_t bytes = sizes[i % 10];
        objects[i] = tm_arena_alloc(arena, bytes);
        assert_int_equal((uintptr_t)objects[i] % 16, 0);
        for (size_t j = 0; j < bytes; j++) {
            if (objects[i][j] != 0)
                fail_msg("byte %zu of object %zu is not zero", j, i);
        }
        memset(objects[i], (int)i + 1, bytes);
    }
    for (size_t i = 0; i < 200; i++) {
        size_t bytes = sizes[i % 10];
        if (bytes > 0) {
            assert_int_equal(objects[i][0], i + 1);
            assert_int_equal(objects[i][bytes - 1], i + 1);
        }
    }
    assert_ptr_not_equal(tm_arena_alloc(arena, 0), tm_arena_alloc(arena, 0));
    tm_arena_destroy(arena);
    tm_arena_destroy(NULL);
}

static void test_arena_copies_and_formats(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    assert_string_equal(tm_arena_copy(arena, "abcdef", 3), "abc");
    assert_string_equal(tm_arena_copy(arena, NULL, 0), "");
    assert_string_equal(tm_arena_format(arena, "%s-%d", "a", 7), "a-7");
    for (int length = 254; length <= 258; length++) {
        char *padded = tm_arena_format(arena, "%*s", length, "x");
        assert_int_equal(strlen(padded), length);
        assert_int_equal(padded[length - 1], 'x');
    }
    tm_arena_destroy(arena);
}

static void test_text_grows(void **state) {
    (void)state;
    tm_text text = {0};
    assert_string_equal(tm_text_get(&text), "");
    for (int i = 0; i < 1000; i++)
        tm_text_format(&text, "%03d,", i);
    assert_int_equal(text.length, 4000);
    assert_memory_equal(text.data + 3988, "997,998,999,", 13);
    /* Around what is allocated at first, and at once more than twice that. */
    for (int length = 0; length < 200; length++) {
        tm_text one = {0};
        tm_text_format(&one, "%*s", length, "");
        tm_text_format(&one, "%s", "");
        assert_int_equal(one.length, length);
        assert_int_equal(strspn(tm_text_get(&one), " "), length);
        assert_int_equal(strlen(tm_text_get(&one)), length);
        tm_text_free(&one);
    }
    tm_text_clear(&text);
    assert_string_equal(tm_text_get(&text), "");
    tm_text_add_bytes(&text, "a\0b", 3);
    assert_int_equal(text.length, 3);
    assert_memory_equal(text.data, "a\0b", 4);
    tm_text_free(&text);
    assert_null(text.data);
    tm_text_add(&text, "");
    assert_non_null(text.data);
    tm_text_free(&text);
}

static void test_numbers_are_short_and_exact(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *shown;
    } cases[] = {
        {0.1, "0.1"},
        {-0.0, "-0"},
        {1e22, "1e+22"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {5e-324, "4.94065645841247e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
    };
    tm_text text = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tm_text_clear(&text);
        tm_text_add_number(&text, cases[i].value);
        assert_string_equal(text.data, cases[i].shown);
        assert_true(strtod(text.data, NULL) == cases[i].value);
    }
    tm_text_free(&text);
}

static void test_utf8_is_strict(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t expected;
    } cases[] = {
        {"a", 1},
        {"\xc3\xa9", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xed\x9f\xbf", 3},
        {"\x80", 0},             /* continuation without a start */
        {"\xc0\x80", 0},         /* overlong NUL */
        {"\xe0\x9f\xbf", 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
        {"\xed\xa0\x80", 0},     /* surrogate */
        {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 0}, /* beyond U+10FFFF */
        {"\xe2\x82", 0},         /* cut */
        {"\xe2\x28\xa1", 0},     /* broken */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(tm_text_utf8_bytes(cases[i].bytes, strlen(cases[i].bytes)),
                         cases[i].expected);
    assert_int_equal(tm_text_utf8_bytes("", 0), 0);
    assert_int_equal(tm_text_utf8_bytes("\0", 1), 1);
}

static void test_matches_globs(void **state) {
    (void)state;
    assert_true(tm_text_matches(NULL, "rmsnorm_h4096"));
    assert_true(tm_text_matches("", "rmsnorm_h4096"));
    assert_true(tm_text_matches("gemm_*,rmsnorm_h*", "rmsnorm_h4096"));
    assert_true(tm_text_matches("rmsnorm_h[0-9]096", "rmsnorm_h4096"));
    assert_true(tm_text_matches("rmsnorm_h409?", "rmsnorm_h4096"));
    assert_false(tm_text_matches("gemm_*,rmsnorm", "rmsnorm_h4096"));
    assert_false(tm_text_matches("RMSNORM*", "rmsnorm_h4096"));
    assert_false(tm_text_matches("rmsnorm_h4096x", "rmsnorm_h4096"));
    /* An empty glob between commas matches no name. */
    assert_false(tm_text_matches(",", "rmsnorm_h4096"));
    assert_true(tm_text_matches(",*", "rmsnorm_h4096"));
}

static void test_ends_with(void **state) {
    (void)state;
    assert_true(tm_text_ends_with("a/b.json", ".json"));
    assert_false(tm_text_ends_with("a/b.jsonl", ".json"));
    assert_false(tm_text_ends_with(".json", ".json"));
    assert_false(tm_text_ends_with("n", ".json"));
}

static void test_nearest_finds_slips_only(void **state) {
    (void)state;
    static const char *const keys[] = {"rtol",       "atol",        "iterations",
                                       "num_trials", "warmup_runs", "bfloat16"};
    static const struct {
        const char *word, *expected;
    } cases[] = {
        {"rtoll", "rtol"},
        {"rotl", "rtol"}, /* a swap is one edit */
        {"iteration", "iterations"},
        {"itertions", "iterations"},
        {"warmup-runs", "warmup_runs"},
        {"BFloat16", "bfloat16"},
        {"btol", "rtol"}, /* as near to atol: the first one wins */
        {"tolerance", NULL},
        {"x", NULL},
        {"", NULL},
        {"trials", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = tm_text_nearest(cases[i].word, keys, 6);
        if (cases[i].expected == NULL)
            assert_null(nearest);
        else
            assert_string_equal(nearest, cases[i].expected);
    }
    char longest[400];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const candidates[] = {longest, longest + 272};
    assert_null(tm_text_nearest(longest, candidates, 2));
    assert_ptr_equal(tm_text_nearest(longest + 273, candidates, 2), longest + 272);
    assert_null(tm_text_nearest("word", NULL, 0));
    /* One letter replaced by another is no slip. */
    static const char *const letters[] = {"a"};
    assert_null(tm_text_nearest("b", letters, 1));
}

static void test_components_are_safe_and_distinct(void **state) {
    (void)state;
    static const struct {
        const char *name, *expected;
    } cases[] = {
        {"rmsnorm_h4096-v1.2", "rmsnorm_h4096-v1.2"},
        {"..", "%2E."},
        {".hidden", "%2Ehidden"},
        {"a/b", "a%2Fb"},
        {"a%2Fb", "a%252Fb"},
        {"a b\n", "a%20b%0A"},
        {"\xc3\xa9", "%C3%A9"},
        {"", "%"},
        {"%", "%25"},
    };
    tm_text text = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tm_text_clear(&text);
        tm_text_add_component(&text, cases[i].name);
        assert_string_equal(text.data, cases[i].expected);
    }
    tm_text_free(&text);
}

static void test_layout_paths(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    assert_string_equal(tm_layout_trace(arena, "me/you", "rmsnorm", "rmsnorm_h4096", "..", "u-1"),
                        "build/traces/me%2Fyou/rmsnorm/rmsnorm_h4096/%2E./u-1.json");
    assert_string_equal(tm_layout_solution(arena, "fast one", ".so"),
                        "build/solutions/fast%20one.so");
    assert_string_equal(tm_layout_gen(arena, "rmsnorm_h4096", "contract.h"),
                        "build/gen/rmsnorm_h4096/contract.h");
    assert_string_equal(tm_layout_harness(arena, "rmsnorm_h4096", "u-1", ""),
                        "build/harness/rmsnorm_h4096/u-1");
    tm_arena_destroy(arena);
}

static void test_arena_arrays_grow_with_their_elements(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    size_t capacity = 0;
    int *numbers = NULL;
    for (int i = 0; i < 1000; i++) {
        numbers = tm_arena_grow(arena, numbers, (size_t)i, &capacity, sizeof *numbers);
        assert_true((size_t)i < capacity);
        numbers[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], i);
    tm_arena_destroy(arena);
}

/* The vectors of the FNV specification's authors. */
static void test_hash(void **state) {
    (void)state;
    assert_true(tm_text_hash(TM_TEXT_HASH_START, "") == UINT64_C(0xcbf29ce484222325));
    assert_true(tm_text_hash(TM_TEXT_HASH_START, "a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(tm_text_hash(TM_TEXT_HASH_START, "foobar") == UINT64_C(0x85944171f73967e8));
    assert_true(tm_text_hash(tm_text_hash(TM_TEXT_HASH_START, "foo"), "bar") ==
                UINT64_C(0x85944171f73967e8));
}

static uint64_t next_bits(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The fewest of 15, 16 and 17 digits, the slow way. */
static void print_slowly(char out[32], double value) {
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(out, 32, "%.*g", precision, value);
        if (strtod(out, NULL) == value)
            return;
    }
}

static void assert_number(double value) {
    char expected[32];
    tm_text text = {0};
    print_slowly(expected, value);
    tm_text_add_number(&text, value);
    assert_string_equal(tm_text_get(&text), expected);
    tm_text_clear(&text);
    snprintf(expected, sizeof expected, "%.6g", value);
    tm_text_add_rounded(&text, value);
    assert_string_equal(tm_text_get(&text), expected);
    tm_text_free(&text);
}

/* Any bits, decimals of few digits, and what lies next to where rounding turns. */
static void test_numbers_as_printf(void **state) {
    (void)state;
    static const double some[] = {0.0,      -0.0,   1e-4,   0.00009999995, 0.0999995, 999999.5,
                                  999999.4, 1e6,    1e15,   9.99999e14,    123456.5,  0.5,
                                  1e22,     -1e300, 5e-324, 0.1,           2.5e-5,    100000.0};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        assert_number(some[i]);
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_bits(&seed);
        double any;
        memcpy(&any, &bits, sizeof any);
        if (isfinite(any))
            assert_number(any);
        assert_number(ldexp((double)(next_bits(&seed) >> 11), -(int)(next_bits(&seed) % 70)));
        double decimal =
            (double)(next_bits(&seed) % 1000000000) / pow(10, (int)(next_bits(&seed) % 12));
        assert_number(decimal);
        double turn =
            ((double)(next_bits(&seed) % 1000000) + 0.5) / pow(10, (int)(next_bits(&seed) % 10));
        assert_number(turn);
        assert_number(nextafter(turn, 0.0));
        assert_number(-nextafter(turn, 1e300));
    }
}

static void test_integers_as_printf(void **state) {
    (void)state;
    static const int64_t some[] = {0, 7, -7, 10, 99, INT64_MAX, INT64_MIN, -1000000000000};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        char expected[32];
        tm_text text = {0};
        snprintf(expected, sizeof expected, "%" PRId64, some[i]);
        tm_text_add_int(&text, some[i]);
        assert_string_equal(tm_text_get(&text), expected);
        tm_text_free(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_as_printf),
        cmocka_unit_test(test_integers_as_printf),
        cmocka_unit_test(test_arena_objects_are_zeroed_aligned_and_apart),
        cmocka_unit_test(test_arena_copies_and_formats),
        cmocka_unit_test(test_text_grows),
        cmocka_unit_test(test_numbers_are_short_and_exact),
        cmocka_unit_test(test_utf8_is_strict),
        cmocka_unit_test(test_matches_globs),
        cmocka_unit_test(test_ends_with),
        cmocka_unit_test(test_nearest_finds_slips_only),
        cmocka_unit_test(test_components_are_safe_and_distinct),
        cmocka_unit_test(test_layout_paths),
        cmocka_unit_test(test_arena_arrays_grow_with_their_elements),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
