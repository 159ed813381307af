/* Whether wrong outputs are called wrong: one wrong element anywhere, NaN, infinities, integers,
 * the ratio of the low-bit rule. Void workloads are the judge's business and tested with it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/evaluator.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define TABLE(outputs, count) \
    { .definition = "made_up", .op_type = "gemm", .tensors = (outputs), .output_count = (count) }

static const tm_config plain = {.rtol = 1e-2, .atol = 1e-2};

static tm_table_tensor vector(tm_dtype dtype, int64_t elems) {
    return (tm_table_tensor){.name = "out", .dtype = dtype, .rank = 1, .shape = {elems}};
}

static tm_verdict judge(const tm_table *table, const tm_config *config, void *const *expected,
                        void *const *actual) {
    tm_verdict verdict;
    tm_verdict_begin(&verdict);
    tm_evaluator_for(table)->judge(table, config, NULL, expected, actual, &verdict);
    return verdict;
}

/* One output of one dtype under the plain rule. */
static tm_verdict judge_vector(tm_dtype dtype, int64_t elems, const void *expected,
                               const void *actual) {
    tm_table_tensor output = vector(dtype, elems);
    tm_table table = TABLE(&output, 1);
    void *want[] = {(void *)(uintptr_t)expected}, *got[] = {(void *)(uintptr_t)actual};
    return judge(&table, &plain, want, got);
}

static tm_verdict judge_one(float expected, float actual) {
    return judge_vector(TM_DTYPE_FLOAT32, 1, &expected, &actual);
}

static void assert_passed(tm_verdict verdict) {
    if (verdict.status != TM_STATUS_PASSED)
        fail_msg("not passed: %s", verdict.reason);
    assert_string_equal(verdict.reason, "");
}

static void assert_incorrect(tm_verdict verdict, const char *reason) {
    assert_int_equal(verdict.status, TM_STATUS_INCORRECT_NUMERICAL);
    assert_string_equal(verdict.reason, reason);
}

/* Bad only when both limits are exceeded. */
static void test_tolerances(void **state) {
    (void)state;
    assert_passed(judge_one(1.0f, 1.0f));
    assert_passed(judge_one(1000.0f, 1009.0f)); /* absolute 9, relative 0.009 */
    assert_passed(judge_one(0.0f, 0.009f));     /* absolute 0.009, relative 9e5 */
    assert_incorrect(judge_one(1000.0f, 1011.0f),
                     "out: 1 of 1 elements wrong, the first at [0]: expected 1000, got 1011");
    assert_incorrect(judge_one(0.0f, 0.011f),
                     "out: 1 of 1 elements wrong, the first at [0]: expected 0, got 0.011");
    assert_incorrect(judge_one(1.0f, -1.0f),
                     "out: 1 of 1 elements wrong, the first at [0]: expected 1, got -1");
}

static void test_reported_errors(void **state) {
    (void)state;
    const float expected[] = {2, 4, 0}, actual[] = {2.5f, 4, 0};
    tm_verdict verdict = judge_vector(TM_DTYPE_FLOAT32, 3, expected, actual);
    assert_true(fabs(verdict.max_absolute_error - 0.5) < 1e-12);
    assert_true(fabs(verdict.max_relative_error - 0.25) < 1e-8);
    assert_true(fabs(verdict.matched_ratio - 2.0 / 3.0) < 1e-12);
    assert_true(fabs(verdict.relative_l2[0] - 0.5 / sqrt(20)) < 1e-12);
    assert_int_equal(verdict.compared_elems, 3);
}

static void test_nan_matches_only_nan(void **state) {
    (void)state;
    assert_passed(judge_one(NAN, NAN));
    assert_incorrect(judge_one(1.0f, NAN),
                     "out: 1 of 1 elements wrong, the first at [0]: expected 1, got nan");
    assert_incorrect(judge_one(NAN, 1.0f),
                     "out: 1 of 1 elements wrong, the first at [0]: expected nan, got 1");
    assert_incorrect(judge_one(INFINITY, NAN),
                     "out: 1 of 1 elements wrong, the first at [0]: expected inf, got nan");
    assert_incorrect(judge_one(NAN, INFINITY),
                     "out: 1 of 1 elements wrong, the first at [0]: expected nan, got inf");
    assert_true(isinf(judge_one(1.0f, NAN).max_absolute_error));
    assert_true(isinf(judge_one(1.0f, NAN).max_relative_error));
    assert_true(isinf(judge_one(1.0f, NAN).relative_l2[0]));
}

static void test_infinity_matches_only_itself(void **state) {
    (void)state;
    assert_passed(judge_one(INFINITY, INFINITY));
    assert_passed(judge_one(-INFINITY, -INFINITY));
    assert_incorrect(judge_one(-INFINITY, INFINITY),
                     "out: 1 of 1 elements wrong, the first at [0]: expected -inf, got inf");
    assert_incorrect(judge_one(INFINITY, 3e38f),
                     "out: 1 of 1 elements wrong, the first at [0]: expected inf, got 3e+38");
    assert_incorrect(judge_one(3e38f, INFINITY),
                     "out: 1 of 1 elements wrong, the first at [0]: expected 3e+38, got inf");
    assert_true(judge_one(INFINITY, INFINITY).max_absolute_error == 0);
}

/* Lengths around the evaluator's chunks, and enough of them that threads share the work. */
static void test_one_wrong_element_anywhere(void **state) {
    (void)state;
    static const int64_t lengths[] = {1, 2, 31, 4095, 4096, 4097, 8192, 20 * 4096 + 5};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        int64_t elems = lengths[i];
        float *expected = calloc((size_t)elems, sizeof *expected);
        float *actual = calloc((size_t)elems, sizeof *actual);
        assert_passed(judge_vector(TM_DTYPE_FLOAT32, elems, expected, actual));
        const int64_t places[] = {0, elems / 2, elems > 4096 ? 4096 : 0, elems - 1};
        for (size_t p = 0; p < COUNT(places); p++) {
            actual[places[p]] = 2;
            tm_verdict verdict = judge_vector(TM_DTYPE_FLOAT32, elems, expected, actual);
            char reason[128];
            snprintf(reason, sizeof reason,
                     "out: 1 of %lld elements wrong, the first at [%lld]: expected 0, got 2",
                     (long long)elems, (long long)places[p]);
            assert_incorrect(verdict, reason);
            assert_true(verdict.max_absolute_error == 2);
            actual[places[p]] = 0;
        }
        free(expected);
        free(actual);
    }
}

/* The first of several is named, whichever thread finds it, at its place in the tensor. */
static void test_first_wrong_element_is_named(void **state) {
    (void)state;
    tm_table_tensor output = {
        .name = "out", .dtype = TM_DTYPE_FLOAT32, .rank = 3, .shape = {3, 50, 1000}};
    tm_table table = TABLE(&output, 1);
    float *expected = calloc(150000, sizeof *expected), *actual = calloc(150000, sizeof *actual);
    actual[71234] = actual[71235] = actual[149999] = 1;
    void *want[] = {expected}, *got[] = {actual};
    assert_incorrect(judge(&table, &plain, want, got),
                     "out: 3 of 150000 elements wrong, the first at [1, 21, 234]: expected 0, got "
                     "1");
    free(expected);
    free(actual);
}

/* Every floating dtype: 1 and 2 in their own encodings, in the last of an odd number of elements.
 */
static void test_every_floating_dtype(void **state) {
    (void)state;
    for (int dtype = 0; dtype < TM_DTYPE_COUNT; dtype++) {
        if (!tm_dtype_is_float((tm_dtype)dtype))
            continue;
        unsigned char expected[32] = {0}, actual[32] = {0};
        const float ones[] = {1, 1, 1, 1, 1}, tail[] = {1, 1, 1, 1, 2};
        tm_dtype_write_floats((tm_dtype)dtype, expected, 0, 5, ones);
        tm_dtype_write_floats((tm_dtype)dtype, actual, 0, 5, ones);
        assert_passed(judge_vector((tm_dtype)dtype, 5, expected, actual));
        tm_dtype_write_floats((tm_dtype)dtype, actual, 0, 5, tail);
        assert_incorrect(judge_vector((tm_dtype)dtype, 5, expected, actual),
                         "out: 1 of 5 elements wrong, the first at [4]: expected 1, got 2");
    }
}

/* No tolerance: one off is wrong, also where a double cannot tell two int64 apart. */
static void test_integers_are_exact(void **state) {
    (void)state;
    const int64_t large[] = {INT64_MAX, INT64_MIN}, off[] = {INT64_MAX - 1, INT64_MIN};
    assert_passed(judge_vector(TM_DTYPE_INT64, 2, large, large));
    assert_incorrect(judge_vector(TM_DTYPE_INT64, 2, large, off),
                     "out: 1 of 2 elements wrong, the first at [0]: expected 9223372036854775807, "
                     "got 9223372036854775806");
    const int32_t a32[] = {100000, -5}, b32[] = {100000, -6};
    assert_incorrect(judge_vector(TM_DTYPE_INT32, 2, a32, b32),
                     "out: 1 of 2 elements wrong, the first at [1]: expected -5, got -6");
    const int16_t a16[] = {32767}, b16[] = {32766};
    assert_incorrect(judge_vector(TM_DTYPE_INT16, 1, a16, b16),
                     "out: 1 of 1 elements wrong, the first at [0]: expected 32767, got 32766");
    const int8_t a8[] = {-128}, b8[] = {127};
    assert_incorrect(judge_vector(TM_DTYPE_INT8, 1, a8, b8),
                     "out: 1 of 1 elements wrong, the first at [0]: expected -128, got 127");
    const uint8_t yes[] = {1}, no[] = {0};
    assert_incorrect(judge_vector(TM_DTYPE_BOOL, 1, yes, no),
                     "out: 1 of 1 elements wrong, the first at [0]: expected 1, got 0");
}

/* Of two outputs the second is wrong; a third one is empty and counts for nothing. */
static void test_several_outputs(void **state) {
    (void)state;
    tm_table_tensor outputs[] = {vector(TM_DTYPE_FLOAT32, 2), vector(TM_DTYPE_INT32, 2),
                                 vector(TM_DTYPE_FLOAT32, 0)};
    outputs[0].name = "values";
    outputs[1].name = "indices";
    outputs[2].name = "empty";
    tm_table table = TABLE(outputs, 3);
    float values[] = {1, 2}, nothing[] = {0};
    int32_t right[] = {1, 2}, wrong[] = {2, 1};
    void *want[] = {values, right, nothing}, *good[] = {values, right, nothing};
    void *bad[] = {values, wrong, nothing};
    tm_verdict verdict = judge(&table, &plain, want, good);
    assert_passed(verdict);
    assert_int_equal(verdict.compared_elems, 4);
    verdict = judge(&table, &plain, want, bad);
    assert_incorrect(verdict,
                     "indices: 2 of 2 elements wrong, the first at [0]: expected 1, got 2");
    assert_true(verdict.relative_l2[0] == 0 && verdict.relative_l2[1] > 0);
    assert_true(verdict.matched_ratio == 0);
}

/* The first `wrong` of 100 elements are wrong. */
static tm_verdict judge_percent(const tm_table *table, const tm_config *config, int wrong) {
    float expected[100] = {0}, actual[100] = {0};
    for (int i = 0; i < wrong; i++)
        actual[i] = 1;
    void *want[] = {expected}, *got[] = {actual};
    return judge(table, config, want, got);
}

static void test_lowbit_ratio(void **state) {
    (void)state;
    tm_table_tensor output = vector(TM_DTYPE_FLOAT32, 100);
    tm_table lowbit = TABLE(&output, 1), named = TABLE(&output, 1), other = TABLE(&output, 1);
    lowbit.op_type = "lowbit";
    named.definition = "moe_fp8_block_scale_ds_routing_topk8";
    assert_ptr_equal(tm_evaluator_for(&lowbit), &tm_evaluator_lowbit);
    assert_ptr_equal(tm_evaluator_for(&named), &tm_evaluator_lowbit);
    assert_ptr_equal(tm_evaluator_for(&other), &tm_evaluator_default);
    assert_passed(judge_percent(&lowbit, &plain, 4));
    assert_passed(judge_percent(&lowbit, &plain, 5));
    assert_incorrect(judge_percent(&lowbit, &plain, 6),
                     "out: 6 of 100 elements wrong, the first at [0]: expected 0, got 1");
    assert_true(fabs(judge_percent(&lowbit, &plain, 4).matched_ratio - 0.96) < 1e-12);
    assert_incorrect(judge_percent(&other, &plain, 1),
                     "out: 1 of 100 elements wrong, the first at [0]: expected 0, got 1");
}

/* What the configuration says wins, for both rules and in both directions. */
static void test_configured_ratio(void **state) {
    (void)state;
    tm_config config = plain;
    config.has_matched_ratio = true;
    config.required_matched_ratio = 0.5;
    tm_table_tensor output = vector(TM_DTYPE_FLOAT32, 100);
    tm_table lowbit = TABLE(&output, 1), other = TABLE(&output, 1);
    lowbit.op_type = "lowbit";
    assert_passed(judge_percent(&lowbit, &config, 50));
    assert_passed(judge_percent(&other, &config, 50));
    assert_int_equal(judge_percent(&lowbit, &config, 51).status, TM_STATUS_INCORRECT_NUMERICAL);
    assert_int_equal(judge_percent(&other, &config, 51).status, TM_STATUS_INCORRECT_NUMERICAL);
    config.required_matched_ratio = 1.0;
    assert_int_equal(judge_percent(&lowbit, &config, 1).status, TM_STATUS_INCORRECT_NUMERICAL);
}

/* Small values, of which each is within atol; not those that are all right, whatever the limit. */
static void test_max_relative_l2(void **state) {
    (void)state;
    static const float expected[] = {0.003f, -0.004f}, zeros[2], scaled[] = {0.0033f, -0.0044f};
    tm_config config = plain;
    tm_table_tensor output = vector(TM_DTYPE_FLOAT32, 2);
    tm_table table = TABLE(&output, 1);
    void *want[] = {(void *)(uintptr_t)expected};
    void *got[] = {(void *)(uintptr_t)zeros}, *near[] = {(void *)(uintptr_t)scaled};
    assert_passed(judge(&table, &config, want, got));
    config.max_relative_l2 = 0.99;
    assert_incorrect(judge(&table, &config, want, got),
                     "out: a relative L2 error of 1, more than max_relative_l2 = 0.99");
    assert_passed(judge(&table, &config, want, near));
    config.max_relative_l2 = 0.099;
    assert_int_equal(judge(&table, &config, want, near).status, TM_STATUS_INCORRECT_NUMERICAL);
    config.max_relative_l2 = 1e-300;
    assert_passed(judge(&table, &config, want, want));
    assert_passed(judge(&table, &config, got, got));
}

/* The ratio holds for each output alone: a small one cannot hide behind a large one. */
static void test_ratio_of_each_output(void **state) {
    (void)state;
    tm_table_tensor outputs[] = {vector(TM_DTYPE_FLOAT32, 100), vector(TM_DTYPE_FLOAT32, 1)};
    tm_table table = TABLE(outputs, 2);
    table.op_type = "lowbit";
    float zeros[100] = {0}, one[] = {1};
    void *want[] = {zeros, zeros}, *got[] = {zeros, one};
    assert_incorrect(judge(&table, &plain, want, got),
                     "out: 1 of 1 elements wrong, the first at [0]: expected 0, got 1");
}

/* A verdict of several calls is the worst of them. */
static void test_verdicts_add_up(void **state) {
    (void)state;
    tm_table_tensor output = vector(TM_DTYPE_FLOAT32, 1);
    tm_table table = TABLE(&output, 1);
    float zero = 0, small = 0.001f, large = 5;
    void *want[] = {&zero}, *first[] = {&large}, *second[] = {&small};
    tm_verdict verdict;
    tm_verdict_begin(&verdict);
    tm_evaluator_default.judge(&table, &plain, NULL, want, first, &verdict);
    tm_evaluator_default.judge(&table, &plain, NULL, want, second, &verdict);
    assert_incorrect(verdict, "out: 1 of 1 elements wrong, the first at [0]: expected 0, got 5");
    assert_true(verdict.max_absolute_error == 5);
    assert_int_equal(verdict.compared_elems, 2);
}

/* Of comparisons by threads of their own: the first failure stays, and the worst of each error. */
static void test_verdicts_are_added(void **state) {
    (void)state;
    tm_verdict sum = judge_one(2, 2), right = judge_one(1, 1.001f), wrong = judge_one(0, 5),
               worse = judge_one(1, 9);
    tm_verdict_add(&sum, &right);
    assert_passed(sum);
    assert_true(sum.relative_l2[0] > 0.0009 && sum.relative_l2[0] < 0.0011);
    tm_verdict_add(&sum, &wrong);
    tm_verdict_add(&sum, &worse);
    tm_verdict_add(&sum, &right);
    assert_incorrect(sum, "out: 1 of 1 elements wrong, the first at [0]: expected 0, got 5");
    assert_true(sum.max_absolute_error == 8 && sum.max_relative_error > 4e8);
    assert_true(sum.matched_ratio == 0);
    assert_int_equal(sum.compared_elems, 5);
}

/* What float cannot tell from a tolerance is looked at in double. */
static void test_tolerances_beyond_float(void **state) {
    (void)state;
    const struct {
        double atol, rtol;
        float expected, actual;
        bool is_right;
    } cases[] = {{1e-45, 0, 0x1.4438acp-126f, 0x1.4438aep-126f, false},
                 {4e38, 0, 3e38f, -3e38f, false},
                 {7e38, 0, 3e38f, -3e38f, true},
                 {0, 1e39, 0, 7e30f, true},
                 {0, 4e38, 0, 7e30f, false},
                 {0, 0, 1, 1, true},
                 {0, 0, 1, 0x1.000002p0f, false},
                 {0x1p-23, 0, 1, 0x1.000002p0f, true},
                 {0x1.fffffp-24, 0, 1, 0x1.000002p0f, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        tm_table_tensor output = vector(TM_DTYPE_FLOAT32, 1);
        tm_table table = TABLE(&output, 1);
        tm_config config = plain;
        float expected = cases[i].expected, actual = cases[i].actual;
        void *want[] = {&expected}, *got[] = {&actual};
        config.atol = cases[i].atol;
        config.rtol = cases[i].rtol;
        tm_verdict verdict = judge(&table, &config, want, got);
        if ((verdict.status == TM_STATUS_PASSED) != cases[i].is_right)
            fail_msg("case %zu: %s", i, verdict.reason);
    }
}

/* A solution that returns values may have no log-sum-exp; one that has a wrong one is wrong. */
static void test_missing_lse(void **state) {
    (void)state;
    tm_table_tensor outputs[] = {vector(TM_DTYPE_FLOAT32, 1), vector(TM_DTYPE_FLOAT32, 1)};
    tm_table table = TABLE(outputs, 2);
    float one = 1, two = 2, lse = -INFINITY;
    void *want[] = {&one, &lse}, *without[] = {&one, NULL}, *wrong[] = {&two, NULL},
         *other[] = {&one, &one};
    outputs[1].name = "lse";
    table.definition = "dsa_sparse_attention_x";
    assert_string_equal(tm_evaluator_for(&table)->name, "dsa_sparse_attention");
    assert_passed(judge(&table, &plain, want, want));
    assert_passed(judge(&table, &plain, want, without));
    assert_incorrect(judge(&table, &plain, want, wrong),
                     "out: 1 of 1 elements wrong, the first at [0]: expected 1, got 2");
    assert_incorrect(judge(&table, &plain, want, other),
                     "lse: 1 of 1 elements wrong, the first at [0]: expected -inf, got 1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_lse),
        cmocka_unit_test(test_tolerances),
        cmocka_unit_test(test_reported_errors),
        cmocka_unit_test(test_nan_matches_only_nan),
        cmocka_unit_test(test_infinity_matches_only_itself),
        cmocka_unit_test(test_one_wrong_element_anywhere),
        cmocka_unit_test(test_first_wrong_element_is_named),
        cmocka_unit_test(test_every_floating_dtype),
        cmocka_unit_test(test_integers_are_exact),
        cmocka_unit_test(test_several_outputs),
        cmocka_unit_test(test_lowbit_ratio),
        cmocka_unit_test(test_configured_ratio),
        cmocka_unit_test(test_max_relative_l2),
        cmocka_unit_test(test_ratio_of_each_output),
        cmocka_unit_test(test_verdicts_add_up),
        cmocka_unit_test(test_verdicts_are_added),
        cmocka_unit_test(test_tolerances_beyond_float),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
