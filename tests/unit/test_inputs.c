/* Whether the judge's own inputs are those that a worker makes: special forms mean what they say,
 * and going on from call to call gives what starting anew does. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/inputs.h"
#include "harness/random_fill.h"
#include "lib/dtype_convert.h"
#include "lib/random.h"

/* Probabilities are the softmax of the normal values that random.h draws for their row. */
static void test_probabilities(void **state) {
    (void)state;
    enum { ROWS = 3, ELEMS = 1021 };
    static float got[ROWS][ELEMS];
    tm_random_form form =
        tm_random_form_of("sampling", "probs", TM_DTYPE_FLOAT32, 2, (const int64_t[]){ROWS, ELEMS});
    assert_int_equal(form.kind, TM_RANDOM_PROBABILITIES);
    tm_random_fill(9, 4, &form, got, 0, 1);
    for (int row = 0; row < ROWS; row++) {
        double sum = 0, exponentials[ELEMS], all = 0;
        for (int i = 0; i < ELEMS; i++) {
            uint64_t bits[TM_RANDOM_BLOCK];
            uint64_t block = (uint64_t)row * ((ELEMS + 3) / 4) + (uint64_t)i / 4;
            tm_random_block4(9, 4, TM_DTYPE_FLOAT32, block, bits);
            exponentials[i] = exp((double)tm_convert_bits_float((uint32_t)bits[i % 4]));
            sum += exponentials[i];
        }
        for (int i = 0; i < ELEMS; i++) {
            double p = exponentials[i] / sum;
            assert_true(fabs((double)got[row][i] - p) < p * 1e-4);
            all += (double)got[row][i];
        }
        assert_true(fabs(all - 1) < 1e-6);
    }
}

/* Each token's largest key is 448 scales, and keys times scale are N(0,1). */
static void test_key_cache(void **state) {
    (void)state;
    enum { PAGES = 5, TOKENS = 64, KEYS = 128 };
    static unsigned char got[PAGES][TOKENS * (KEYS + 4)];
    tm_random_form form = tm_random_form_of("dsa_paged", "k_index_cache_fp8", TM_DTYPE_INT8, 4,
                                            (const int64_t[]){PAGES, TOKENS, 1, KEYS + 4});
    assert_int_equal(form.kind, TM_RANDOM_KEY_CACHE);
    tm_random_fill(9, 1, &form, got, 0, 1);
    double squares = 0;
    for (int page = 0; page < PAGES; page++)
        for (int token = 0; token < TOKENS; token++) {
            float scale, largest = 0;
            memcpy(&scale, &got[page][TOKENS * KEYS + token * 4], 4);
            assert_true(scale > 1.5f / 448 && scale < 6.6f / 448);
            for (int i = 0; i < KEYS; i++) {
                float key = tm_convert_from_e4m3fn(got[page][token * KEYS + i]);
                largest = fmaxf(largest, fabsf(key));
                squares += pow((double)(key * scale), 2);
            }
            assert_true(largest == 448);
        }
    /* Five standard errors. */
    assert_true(fabs(squares / (PAGES * TOKENS * KEYS) - 1) < 5 * sqrt(2.0 / (40960)));
}

static void test_what_is_plain(void **state) {
    (void)state;
    const int64_t shape[] = {3, 8, 1, 12};
    assert_int_equal(tm_random_form_of("gemm", "probs", TM_DTYPE_FLOAT32, 2, shape).kind, 0);
    assert_int_equal(tm_random_form_of("sampling", "probs", TM_DTYPE_FLOAT16, 2, shape).kind, 0);
    assert_int_equal(tm_random_form_of("sampling", "top_k", TM_DTYPE_INT32, 1, shape).kind, 0);
    assert_int_equal(
        tm_random_form_of("dsa_paged", "k_index_cache_fp8", TM_DTYPE_INT8, 3, shape).kind, 0);
    assert_int_equal(
        tm_random_form_of("sampling", "probs", TM_DTYPE_FLOAT32, 2, (const int64_t[]){0, 5}).kind,
        0);
}

typedef struct {
    tm_table table;
    tm_table_tensor tensors[4];
    tm_job job;
    char path[64];
} row;

static void add(row *r, const char *name, tm_dtype dtype, tm_fill fill, int64_t a, int64_t b) {
    size_t i = r->table.input_count++;
    r->tensors[i] =
        (tm_table_tensor){.name = name, .dtype = dtype, .rank = 2, .shape = {a, b}, .fill = fill};
    tm_job_tensor *tensor = &r->job.tensors[i];
    size_t bytes;
    assert_true(tm_dtype_bytes(dtype, a * b, &bytes));
    *tensor = (tm_job_tensor){.dtype = dtype, .fill = fill, .elems = a * b, .bytes = bytes};
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->random = tm_random_form_of("sampling", name, dtype, 2, r->tensors[i].shape);
    r->table.tensors = r->tensors;
}

static void assert_same(tm_inputs *a, tm_inputs *b, const char *name, size_t bytes) {
    assert_memory_equal(tm_inputs_get(a, name), tm_inputs_get(b, name), bytes);
}

static void test_calls_follow(void **state) {
    (void)state;
    row *r = calloc(1, sizeof *r);
    assert_non_null(r);
    add(r, "probs", TM_DTYPE_FLOAT32, TM_FILL_RANDOM, 37, 33);
    add(r, "x", TM_DTYPE_BFLOAT16, TM_FILL_RANDOM, 7, 77);
    tm_inputs *going = tm_inputs_create(&r->table, &r->job);
    static const int64_t steps[] = {0, 1, 5, 40, 41, 3};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        tm_inputs *anew = tm_inputs_create(&r->table, &r->job);
        tm_inputs_select(going, 12, steps[i]);
        tm_inputs_select(anew, 12, steps[i]);
        assert_same(going, anew, "probs", 37 * 33 * 4);
        if (i % 2) /* left behind a few calls */
            assert_same(going, anew, "x", 7 * 77 * 2);
        const float *p = tm_inputs_get(going, "probs");
        for (int k = 0; k < 37; k++) {
            double sum = 0;
            for (int v = 0; v < 33; v++)
                sum += (double)p[k * 33 + v];
            assert_true(fabs(sum - 1) < 1e-5);
        }
        tm_inputs_destroy(anew);
    }
    assert_null(tm_inputs_get(going, "y"));
    assert_string_equal(tm_inputs_error(going), "");
    tm_inputs_destroy(going);
    free(r);
}

static void test_blobs(void **state) {
    (void)state;
    static const int32_t values[] = {7, 8, 9, 10};
    row *r = calloc(1, sizeof *r);
    assert_non_null(r);
    add(r, "indices", TM_DTYPE_INT32, TM_FILL_BLOB, 1, 3);
    snprintf(r->path, sizeof r->path, "test_inputs.%d", (int)getpid());
    FILE *file = fopen(r->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(values, sizeof values, 1, file), 1);
    fclose(file);
    snprintf(r->job.tensors[0].path, sizeof r->job.tensors[0].path, "%s", r->path);
    r->job.tensors[0].file_offset = 4;
    tm_inputs *inputs = tm_inputs_create(&r->table, &r->job);
    assert_memory_equal(tm_inputs_get(inputs, "indices"), values + 1, 12);
    tm_inputs_destroy(inputs);
    unlink(r->path);
    inputs = tm_inputs_create(&r->table, &r->job);
    assert_null(tm_inputs_get(inputs, "indices"));
    assert_non_null(strstr(tm_inputs_error(inputs), "input indices: blob test_inputs."));
    tm_inputs_destroy(inputs);
    free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probabilities), cmocka_unit_test(test_key_cache),
        cmocka_unit_test(test_what_is_plain), cmocka_unit_test(test_calls_follow),
        cmocka_unit_test(test_blobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
