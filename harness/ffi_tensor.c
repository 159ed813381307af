#include "harness/ffi_tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/reply.h"

#define MAX_TEXT 160 /* of a shape or a dtype in a message */

void tm_ffi_any_clear(tm_ffi_any *value) {
    if (value->type >= TM_FFI_OBJECT && value->object)
        tm_ffi_release(value->object);
    *value = (tm_ffi_any){.type = TM_FFI_NONE};
}

/* A tensor object with room for its shape. */
typedef struct {
    tm_ffi_tensor tensor;
    int64_t shape[TM_TABLE_MAX_RANK], strides[TM_TABLE_MAX_RANK];
} job_tensor;

static void delete_tensor(void *self, int flags) {
    if (flags & TM_FFI_DELETE_WEAK)
        free(self);
}

/* The shape as it is passed: two elements of four bits are one. */
static bool passed_shape(const tm_job_tensor *tensor, int64_t *shape) {
    int lanes = tm_dl_dtype_of((tm_dtype)tensor->dtype)->lanes;
    memcpy(shape, tensor->shape, sizeof tensor->shape);
    if (lanes == 1)
        return true;
    if (tensor->rank == 0 || shape[tensor->rank - 1] % lanes != 0)
        return false;
    shape[tensor->rank - 1] /= lanes;
    return true;
}

tm_ffi_tensor *tm_ffi_tensor_make(const tm_job_tensor *tensor, void *data, tm_dl_device device) {
    job_tensor *made = calloc(1, sizeof *made);
    if (!made)
        abort();
    if (!passed_shape(tensor, made->shape)) {
        free(made);
        return NULL;
    }
    tm_dl_strides(tensor->rank, made->shape, made->strides);
    made->tensor = (tm_ffi_tensor){.object = {.counts = TM_FFI_ONE_STRONG | TM_FFI_ONE_WEAK,
                                              .type = TM_FFI_TENSOR,
                                              .deleter = delete_tensor},
                                   .tensor = {data, device, tensor->rank,
                                              *tm_dl_dtype_of((tm_dtype)tensor->dtype), made->shape,
                                              made->strides, 0}};
    return &made->tensor;
}

bool tm_ffi_tensor_bytes(const tm_dl_tensor *tensor, size_t *bytes) {
    int64_t bits = (int64_t)tensor->dtype.bits * tensor->dtype.lanes;
    for (int32_t i = 0; i < tensor->rank; i++)
        if (tensor->shape[i] < 0 || __builtin_mul_overflow(bits, tensor->shape[i], &bits))
            return false;
    *bytes = (size_t)bits / 8 + (bits % 8 != 0);
    return true;
}

/* "[4, 128]" */
static const char *shape_text(char *out, int32_t rank, const int64_t *shape) {
    size_t at = 0;
    out[0] = '\0';
    for (int32_t i = 0; i < rank && at + 24 < MAX_TEXT; i++)
        at += (size_t)snprintf(out + at, MAX_TEXT - at, "%s%lld", i ? ", " : "[",
                               (long long)shape[i]);
    snprintf(out + at, MAX_TEXT - at, rank ? "]" : "[]");
    return out;
}

/* As definitions name it, or what DLPack has of it. */
static const char *dtype_text(char *out, tm_dl_dtype dtype) {
    static const char *const kinds[] = {[TM_DL_INT] = "int",
                                        [TM_DL_UINT] = "uint",
                                        [TM_DL_FLOAT] = "float",
                                        [TM_DL_BFLOAT] = "bfloat",
                                        [TM_DL_COMPLEX] = "complex"};
    for (int i = 0; i < TM_DTYPE_COUNT; i++)
        if (memcmp(tm_dl_dtype_of((tm_dtype)i), &dtype, sizeof dtype) == 0)
            return tm_dtype_name((tm_dtype)i);
    if (dtype.code < sizeof kinds / sizeof *kinds && kinds[dtype.code] && dtype.lanes == 1)
        snprintf(out, MAX_TEXT, "%s%d", kinds[dtype.code], dtype.bits);
    else
        snprintf(out, MAX_TEXT, "DLPack's code %d of %d bits in %d lanes", dtype.code, dtype.bits,
                 dtype.lanes);
    return out;
}

static bool is_dense(const tm_dl_tensor *tensor) {
    int64_t stride = 1;
    for (int32_t i = tensor->rank; tensor->strides && i-- > 0;) {
        if (tensor->shape[i] != 1 && tensor->strides[i] != stride)
            return false;
        stride *= tensor->shape[i];
    }
    return true;
}

static const char *device_text(char *out, tm_dl_device device) {
    if (device.type == TM_DL_CPU)
        snprintf(out, MAX_TEXT, "cpu");
    else if (device.type == TM_DL_CUDA)
        snprintf(out, MAX_TEXT, "cuda:%d", device.id);
    else
        snprintf(out, MAX_TEXT, "a device of DLPack's type %d", device.type);
    return out;
}

bool tm_ffi_tensor_fits(const tm_dl_tensor *got, const tm_job_tensor *output, tm_dl_device device,
                        tm_reply *reply) {
    char expected[MAX_TEXT], text[MAX_TEXT];
    int64_t shape[TM_TABLE_MAX_RANK];
    passed_shape(output, shape);
    if (got->rank != output->rank ||
        (got->rank && memcmp(got->shape, shape, (size_t)got->rank * sizeof *shape) != 0))
        return tm_reply_fail(reply, TM_REPLY_WRONG_SHAPE,
                             "output %s: expected shape %s, got %s in what it returned",
                             output->name, shape_text(expected, output->rank, shape),
                             shape_text(text, got->rank, got->shape));
    if (memcmp(&got->dtype, tm_dl_dtype_of((tm_dtype)output->dtype), sizeof got->dtype) != 0)
        return tm_reply_fail(reply, TM_REPLY_WRONG_DTYPE,
                             "output %s: expected %s, got %s in what it returned", output->name,
                             tm_dtype_name((tm_dtype)output->dtype), dtype_text(text, got->dtype));
    if (got->device.type != device.type || got->device.id != device.id)
        return tm_reply_fail(reply, TM_REPLY_RAISED,
                             "output %s: expected a tensor on %s, got one on %s in what it "
                             "returned",
                             output->name, device_text(expected, device),
                             device_text(text, got->device));
    if (output->elems > 0 && !is_dense(got))
        return tm_reply_fail(reply, TM_REPLY_RAISED,
                             "output %s: expected a dense tensor, got one with strides %s in what "
                             "it returned",
                             output->name, shape_text(text, got->rank, got->strides));
    if (output->elems > 0 && !got->data)
        return tm_reply_fail(reply, TM_REPLY_RAISED,
                             "output %s: expected data, got a null pointer in what it returned",
                             output->name);
    return true;
}
