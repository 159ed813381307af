/* dtype: the eleven element types of FlashInfer-Trace, and their exact conversions.
 *
 * float8_e4m3fn: 1-4-3, bias 7, no infinities, NaN = S.1111.111, largest 448.
 * float8_e5m2: 1-5-2, bias 15, IEEE-like with infinities. float4_e2m1: 1-2-1, bias 1, two per byte,
 * the element with the even index in the low half (OCP Microscaling v1.0; PyTorch's
 * float4_e2m1fn_x2). Conversions to narrower types round to nearest, ties to even; float4 saturates
 * (as CUDA's __NV_SATFINITE does), float8_e4m3fn beyond 464 gives NaN (as torch.to does), the
 * others overflow to infinity. lib/dtype_convert.h holds the conversions for code that needs them
 * inline. Deliberately does not know tensors. */
#ifndef TM_DTYPE_H
#define TM_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    TM_DTYPE_FLOAT32,
    TM_DTYPE_FLOAT16,
    TM_DTYPE_BFLOAT16,
    TM_DTYPE_FLOAT8_E4M3FN,
    TM_DTYPE_FLOAT8_E5M2,
    TM_DTYPE_FLOAT4_E2M1,
    TM_DTYPE_INT64,
    TM_DTYPE_INT32,
    TM_DTYPE_INT16,
    TM_DTYPE_INT8,
    TM_DTYPE_BOOL,
    TM_DTYPE_COUNT
} tm_dtype;

/* The name used in definitions, such as "bfloat16". Static. */
const char *tm_dtype_name(tm_dtype dtype);
/* All names in enum order, TM_DTYPE_COUNT of them, for suggestions. Static. */
const char *const *tm_dtype_names(void);
bool tm_dtype_parse(const char *name, tm_dtype *dtype);
/* Bits per element: 4 for float4_e2m1, 8 for bool. */
int tm_dtype_bits(tm_dtype dtype);
/* Bytes that hold `elems` elements (float4 rounds up). False on overflow or a negative count. */
bool tm_dtype_bytes(tm_dtype dtype, int64_t elems, size_t *bytes);
bool tm_dtype_is_float(tm_dtype dtype);
/* The name that safetensors headers use ("BF16", "F8_E4M3", "I64", "BOOL", "F4", ...). Static. */
const char *tm_dtype_safetensors_name(tm_dtype dtype);

/* Elements [begin, begin+count) of a packed buffer as float32; only for floating dtypes. */
void tm_dtype_read_floats(tm_dtype dtype, const void *data, int64_t begin, int64_t count,
                          float *out);
/* The reverse: rounds `count` floats into elements [begin, begin+count). */
void tm_dtype_write_floats(tm_dtype dtype, void *data, int64_t begin, int64_t count,
                           const float *in);
/* Elements of an integer or bool buffer as int64, exactly. */
void tm_dtype_read_ints(tm_dtype dtype, const void *data, int64_t begin, int64_t count,
                        int64_t *out);

#ifdef __cplusplus
}
#endif

#endif
