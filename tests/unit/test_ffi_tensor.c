/* Tensors of a job as tvm-ffi objects, and returned ones held against a job. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/ffi_tensor.h"

static const tm_dl_device cpu = {TM_DL_CPU, 0};

static tm_job_tensor tensor_of(tm_dtype dtype, int rank, const int64_t *shape) {
    tm_job_tensor tensor = {.name = "y", .dtype = dtype, .rank = rank, .elems = 1};
    for (int i = 0; i < rank; i++) {
        tensor.shape[i] = shape[i];
        tensor.elems *= shape[i];
    }
    return tensor;
}

static void test_strides_are_of_elements(void **state) {
    (void)state;
    const tm_job_tensor tensor = tensor_of(TM_DTYPE_BFLOAT16, 3, (int64_t[]){2, 3, 4});
    int data;
    tm_ffi_tensor *made = tm_ffi_tensor_make(&tensor, &data, cpu);
    assert_int_equal(made->object.type, TM_FFI_TENSOR);
    assert_ptr_equal(made->tensor.data, &data);
    assert_int_equal(made->tensor.rank, 3);
    assert_int_equal(made->tensor.strides[0], 12);
    assert_int_equal(made->tensor.strides[1], 4);
    assert_int_equal(made->tensor.strides[2], 1);
    assert_int_equal(made->tensor.byte_offset, 0);
    assert_int_equal(made->tensor.dtype.code, TM_DL_BFLOAT);
    assert_int_equal(made->tensor.dtype.bits, 16);
    tm_ffi_release(&made->object);
}

static void test_four_bits_are_packed(void **state) {
    (void)state;
    const tm_job_tensor even = tensor_of(TM_DTYPE_FLOAT4_E2M1, 2, (int64_t[]){3, 8});
    const tm_job_tensor odd = tensor_of(TM_DTYPE_FLOAT4_E2M1, 2, (int64_t[]){2, 7});
    const tm_job_tensor none = tensor_of(TM_DTYPE_FLOAT4_E2M1, 0, NULL);
    tm_ffi_tensor *made = tm_ffi_tensor_make(&even, NULL, cpu);
    size_t bytes;
    assert_int_equal(made->tensor.shape[0], 3);
    assert_int_equal(made->tensor.shape[1], 4);
    assert_int_equal(made->tensor.strides[0], 4);
    assert_int_equal(made->tensor.dtype.lanes, 2);
    assert_true(tm_ffi_tensor_bytes(&made->tensor, &bytes));
    assert_int_equal(bytes, 12);
    assert_null(tm_ffi_tensor_make(&odd, NULL, cpu));
    assert_null(tm_ffi_tensor_make(&none, NULL, cpu));
    tm_ffi_release(&made->object);
}

static void test_impossible_sizes(void **state) {
    (void)state;
    int64_t negative[] = {4, -1}, huge[] = {INT64_MAX / 8, 16}, empty[] = {0, 5};
    tm_dl_tensor tensor = {.rank = 2, .dtype = {TM_DL_FLOAT, 32, 1}};
    size_t bytes = 1;
    tensor.shape = negative;
    assert_false(tm_ffi_tensor_bytes(&tensor, &bytes));
    tensor.shape = huge;
    assert_false(tm_ffi_tensor_bytes(&tensor, &bytes));
    tensor.shape = empty;
    assert_true(tm_ffi_tensor_bytes(&tensor, &bytes));
    assert_int_equal(bytes, 0);
}

typedef struct {
    tm_ffi_object object;
    int strong, weak; /* times that the deleter was called for each */
} counted;

static void count_delete(void *self, int flags) {
    ((counted *)self)->strong += (flags & TM_FFI_DELETE_STRONG) != 0;
    ((counted *)self)->weak += (flags & TM_FFI_DELETE_WEAK) != 0;
}

static void test_the_last_owner_frees(void **state) {
    (void)state;
    counted object = {{2 | TM_FFI_ONE_WEAK, 128, 0, count_delete}, 0, 0};
    tm_ffi_any value = {.type = 128, .object = &object.object};
    tm_ffi_release(&object.object);
    assert_int_equal(object.strong, 0);
    tm_ffi_any_clear(&value);
    assert_int_equal(object.strong, 1);
    assert_int_equal(object.weak, 1);
    assert_int_equal(value.type, TM_FFI_NONE);
    tm_ffi_any_clear(&value); /* owns nothing any more */
    assert_int_equal(object.strong, 1);
}

static void test_a_weak_reference_keeps_the_memory(void **state) {
    (void)state;
    counted object = {{1 | 2 * TM_FFI_ONE_WEAK, 128, 0, count_delete}, 0, 0};
    tm_ffi_release(&object.object);
    assert_int_equal(object.strong, 1);
    assert_int_equal(object.weak, 0);
    assert_true(object.object.counts == TM_FFI_ONE_WEAK);
}

static void expect_unfit(tm_dl_tensor got, const tm_job_tensor *output, tm_reply_kind kind,
                         const char *message) {
    tm_reply reply = {0};
    assert_false(tm_ffi_tensor_fits(&got, output, cpu, &reply));
    assert_int_equal(reply.kind, kind);
    assert_string_equal(reply.message, message);
}

static void test_what_does_not_fit(void **state) {
    (void)state;
    const tm_job_tensor output = tensor_of(TM_DTYPE_FLOAT32, 2, (int64_t[]){3, 4});
    int64_t shape[] = {3, 4}, turned[] = {4, 3}, strides[] = {4, 1}, gaps[] = {8, 1};
    float data[12];
    const tm_dl_tensor good = {data, cpu, 2, {TM_DL_FLOAT, 32, 1}, shape, strides, 0};
    tm_reply reply = {0};
    assert_true(tm_ffi_tensor_fits(&good, &output, cpu, &reply));
    tm_dl_tensor got = good;
    got.shape = turned;
    expect_unfit(got, &output, TM_REPLY_WRONG_SHAPE,
                 "output y: expected shape [3, 4], got [4, 3] in what it returned");
    got = good;
    got.rank = 1;
    expect_unfit(got, &output, TM_REPLY_WRONG_SHAPE,
                 "output y: expected shape [3, 4], got [3] in what it returned");
    got.rank = 0;
    expect_unfit(got, &output, TM_REPLY_WRONG_SHAPE,
                 "output y: expected shape [3, 4], got [] in what it returned");
    got = good;
    got.dtype = (tm_dl_dtype){TM_DL_FLOAT, 64, 1};
    expect_unfit(got, &output, TM_REPLY_WRONG_DTYPE,
                 "output y: expected float32, got float64 in what it returned");
    got.dtype = (tm_dl_dtype){TM_DL_FLOAT, 32, 2};
    expect_unfit(got, &output, TM_REPLY_WRONG_DTYPE,
                 "output y: expected float32, got DLPack's code 2 of 32 bits in 2 lanes in what it "
                 "returned");
    got = good;
    got.device = (tm_dl_device){TM_DL_CUDA, 3};
    expect_unfit(got, &output, TM_REPLY_RAISED,
                 "output y: expected a tensor on cpu, got one on cuda:3 in what it returned");
    got = good;
    got.strides = gaps;
    expect_unfit(
        got, &output, TM_REPLY_RAISED,
        "output y: expected a dense tensor, got one with strides [8, 1] in what it returned");
    got = good;
    got.data = NULL;
    expect_unfit(got, &output, TM_REPLY_RAISED,
                 "output y: expected data, got a null pointer in what it returned");
}

/* An axis of one may have any stride. */
static void test_one_row_is_dense(void **state) {
    (void)state;
    const tm_job_tensor output = tensor_of(TM_DTYPE_FLOAT32, 2, (int64_t[]){1, 4});
    int64_t shape[] = {1, 4}, strides[] = {1000, 1};
    float data[4];
    const tm_dl_tensor got = {data, cpu, 2, {TM_DL_FLOAT, 32, 1}, shape, strides, 0};
    tm_reply reply = {0};
    assert_true(tm_ffi_tensor_fits(&got, &output, cpu, &reply));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strides_are_of_elements),
        cmocka_unit_test(test_four_bits_are_packed),
        cmocka_unit_test(test_impossible_sizes),
        cmocka_unit_test(test_the_last_owner_frees),
        cmocka_unit_test(test_a_weak_reference_keeps_the_memory),
        cmocka_unit_test(test_what_does_not_fit),
        cmocka_unit_test(test_one_row_is_dense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
