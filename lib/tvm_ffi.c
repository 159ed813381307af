#include "lib/tvm_ffi.h"

static const tm_dl_dtype dtypes[TM_DTYPE_COUNT] = {
    [TM_DTYPE_FLOAT32] = {TM_DL_FLOAT, 32, 1},
    [TM_DTYPE_FLOAT16] = {TM_DL_FLOAT, 16, 1},
    [TM_DTYPE_BFLOAT16] = {TM_DL_BFLOAT, 16, 1},
    [TM_DTYPE_FLOAT8_E4M3FN] = {TM_DL_FLOAT8_E4M3FN, 8, 1},
    [TM_DTYPE_FLOAT8_E5M2] = {TM_DL_FLOAT8_E5M2, 8, 1},
    [TM_DTYPE_FLOAT4_E2M1] = {TM_DL_FLOAT4_E2M1FN, 4, 2}, /* as torch packs it: a byte is one */
    [TM_DTYPE_INT64] = {TM_DL_INT, 64, 1},
    [TM_DTYPE_INT32] = {TM_DL_INT, 32, 1},
    [TM_DTYPE_INT16] = {TM_DL_INT, 16, 1},
    [TM_DTYPE_INT8] = {TM_DL_INT, 8, 1},
    [TM_DTYPE_BOOL] = {TM_DL_BOOL, 8, 1},
};

const tm_dl_dtype *tm_dl_dtype_of(tm_dtype dtype) {
    return &dtypes[dtype];
}
