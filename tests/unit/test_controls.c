/* controls: which wrong answers get by, per output; what is too small or no number to be tried; and
 * that a huge output costs no more than its first rows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/controls.h"

static const tm_config plain = {.rtol = 1e-2, .atol = 1e-2};

#define MAX_ELEMS 4096

static void check(const tm_config *config, const tm_table_tensor *outputs, size_t count,
                  void *const *expected, const char *text) {
    const tm_table table = {
        .definition = "made_up", .op_type = "gemm", .tensors = outputs, .output_count = count};
    tm_json *weak = tm_controls_weak(&table, config, expected);
    char *got = tm_json_print(weak, false);
    assert_string_equal(got, text);
    free(got);
    tm_json_free(weak);
}

/* One output of float32 whose values alternate around `middle`. */
static void check_floats(const tm_config *config, int64_t elems, float middle, float swing,
                         const char *text) {
    static float values[MAX_ELEMS];
    for (int64_t i = 0; i < elems; i++)
        values[i] = middle + (i % 2 ? swing : -swing);
    const tm_table_tensor output = {"out", .dtype = TM_DTYPE_FLOAT32, .rank = 1, .shape = {elems}};
    void *expected[] = {values};
    check(config, &output, 1, expected, text);
}

static void test_strong(void **state) {
    (void)state;
    check_floats(&plain, 1000, 0, 1, "[]");
    check_floats(&plain, 2, 100, 90, "[]");
}

static void test_weak(void **state) {
    (void)state;
    /* All below atol. */
    check_floats(&plain, 1000, 0, 0.006f,
                 "[{\"output\":\"out\",\"passes\":[\"zeros\",\"mean\",\"dropped tail\","
                 "\"x 1.1\"],\"scale\":1}]");
    /* 0.09 * 0.1 is below atol, 0.09 is not. */
    check_floats(&plain, 1000, 0, 0.09f,
                 "[{\"output\":\"out\",\"passes\":[\"x 1.1\"],\"scale\":0.0625}]");
    /* Nearly constant. */
    check_floats(&plain, 1000, 50, 0.001f,
                 "[{\"output\":\"out\",\"passes\":[\"mean\"],\"scale\":0.0078125}]");
    /* Of one element the mean is the answer. */
    check_floats(&plain, 1, 50, 0.001f, "[]");
    check_floats(&plain, 8, 0, 0,
                 "[{\"output\":\"out\",\"passes\":[\"zeros\",\"mean\",\"dropped tail\","
                 "\"x 1.1\"],\"scale\":8}]");
}

static void test_configuration(void **state) {
    (void)state;
    tm_config strict = plain, ratio = plain;
    strict.max_relative_l2 = 0.09;
    check_floats(&strict, 1000, 0, 0.005f, "[]");
    ratio.has_matched_ratio = true;
    ratio.required_matched_ratio = 0.8;
    check_floats(&ratio, 1000, 0, 1,
                 "[{\"output\":\"out\",\"passes\":[\"dropped tail\"],\"scale\":0.0078125}]");
}

/* The others are right: one weak output does not hide behind a strong one. */
static void test_outputs_apart(void **state) {
    (void)state;
    float strong[] = {1, -2, 3, -4}, small[] = {0.001f, 0.002f, 0.003f};
    int64_t counts[] = {7, 0, 0};
    uint8_t none[] = {0, 0};
    const tm_table_tensor outputs[] = {
        {"strong", .dtype = TM_DTYPE_FLOAT32, .rank = 2, .shape = {2, 2}},
        {"lse", .dtype = TM_DTYPE_FLOAT32, .rank = 1, .shape = {3}},
        {"counts", .dtype = TM_DTYPE_INT64, .rank = 1, .shape = {3}},
        {"mask", .dtype = TM_DTYPE_BOOL, .rank = 1, .shape = {2}},
        {"empty", .dtype = TM_DTYPE_FLOAT32, .rank = 1, .shape = {0}},
    };
    void *expected[] = {strong, small, counts, none, NULL};
    check(&plain, outputs, 5, expected,
          "[{\"output\":\"lse\",\"passes\":[\"zeros\",\"mean\",\"dropped tail\",\"x 1.1\"],"
          "\"scale\":2},{\"output\":\"counts\",\"passes\":[\"dropped tail\"]},"
          "{\"output\":\"mask\",\"passes\":[\"zeros\",\"dropped tail\"]}]");
}

/* Infinities and NaN of the expected answer stay what they are when it is scaled. */
static void test_no_numbers(void **state) {
    (void)state;
    float values[] = {1, -(float)INFINITY, (float)NAN, 2};
    const tm_table_tensor output = {"lse", .dtype = TM_DTYPE_FLOAT32, .rank = 1, .shape = {4}};
    void *expected[] = {values};
    check(&plain, &output, 1, expected, "[]");
    tm_config loose = plain;
    loose.rtol = 0.2;
    check(&loose, &output, 1, expected,
          "[{\"output\":\"lse\",\"passes\":[\"x 1.1\"],\"scale\":0.125}]");
}

static void test_narrow_dtypes(void **state) {
    (void)state;
    uint16_t halves[] = {0x3c00, 0xbc00, 0x4000, 0x1000}; /* 1, -1, 2, 0.0005 */
    uint8_t nibbles[] = {0x21, 0x43};
    const tm_table_tensor outputs[] = {
        {"half", .dtype = TM_DTYPE_FLOAT16, .rank = 1, .shape = {4}},
        {"nibble", .dtype = TM_DTYPE_FLOAT4_E2M1, .rank = 1, .shape = {3}},
    };
    void *expected[] = {halves, nibbles};
    /* The last eighth of `half` is its last element, 0.0005; 1.1 rounds to 1 in four bits. */
    check(&plain, outputs, 2, expected,
          "[{\"output\":\"half\",\"passes\":[\"dropped tail\"],\"scale\":0.0078125},"
          "{\"output\":\"nibble\",\"passes\":[\"x 1.1\"],\"scale\":0.125}]");
}

/* Terabytes by their shape, of which only the first rows are there. */
static void test_huge(void **state) {
    (void)state;
    float *values = malloc(((size_t)TM_CONTROLS_MAX_ELEMS + 4096) * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < TM_CONTROLS_MAX_ELEMS + 4096; i++)
        values[i] = i % 2 ? 0.09f : -0.09f;
    const tm_table_tensor shapes[] = {
        {"out", .dtype = TM_DTYPE_FLOAT32, .rank = 2, .shape = {INT64_C(1) << 30, 4096}},
        {"out", .dtype = TM_DTYPE_FLOAT32, .rank = 3, .shape = {1, INT64_C(1) << 40, 3}},
        {"out", .dtype = TM_DTYPE_FLOAT32, .rank = 1, .shape = {INT64_C(1) << 40}},
        {"out", .dtype = TM_DTYPE_FLOAT32, .rank = 2, .shape = {2, INT64_C(1) << 40}},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        void *expected[] = {values};
        check(&plain, &shapes[i], 1, expected,
              "[{\"output\":\"out\",\"passes\":[\"x 1.1\"],\"scale\":0.0625}]");
    }
    free(values);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strong),        cmocka_unit_test(test_weak),
        cmocka_unit_test(test_configuration), cmocka_unit_test(test_outputs_apart),
        cmocka_unit_test(test_no_numbers),    cmocka_unit_test(test_narrow_dtypes),
        cmocka_unit_test(test_huge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
