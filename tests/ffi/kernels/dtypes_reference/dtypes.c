/* ffi_dtypes: copies. */
#include "contract.h"

#include <string.h>

#include "tracemill.h"

static int copy(void *to, const void *from, int64_t bits, tm_stream stream) {
#if defined(__CUDACC__)
    return cudaMemcpyAsync(to, from, (size_t)bits / 8, cudaMemcpyDeviceToDevice, stream) !=
           cudaSuccess;
#else
    (void)stream;
    memcpy(to, from, (size_t)bits / 8);
    return 0;
#endif
}

int TM_ENTRY(const tm_float32 *in_float32, const tm_float16 *in_float16,
             const tm_bfloat16 *in_bfloat16, const tm_float8_e4m3fn *in_float8_e4m3fn,
             const tm_float8_e5m2 *in_float8_e5m2, const tm_float4_e2m1 *in_float4_e2m1,
             const tm_int64 *in_int64, const tm_int32 *in_int32, const tm_int16 *in_int16,
             const tm_int8 *in_int8, const tm_bool *in_bool, tm_float32 *out_float32,
             tm_float16 *out_float16, tm_bfloat16 *out_bfloat16,
             tm_float8_e4m3fn *out_float8_e4m3fn, tm_float8_e5m2 *out_float8_e5m2,
             tm_float4_e2m1 *out_float4_e2m1, tm_int64 *out_int64, tm_int32 *out_int32,
             tm_int16 *out_int16, tm_int8 *out_int8, tm_bool *out_bool, const tm_axes *axes,
             tm_stream stream) {
    const int64_t elems = axes->rows * TM_WIDTH;
    return copy(out_float32, in_float32, elems * 32, stream) ||
           copy(out_float16, in_float16, elems * 16, stream) ||
           copy(out_bfloat16, in_bfloat16, elems * 16, stream) ||
           copy(out_float8_e4m3fn, in_float8_e4m3fn, elems * 8, stream) ||
           copy(out_float8_e5m2, in_float8_e5m2, elems * 8, stream) ||
           copy(out_float4_e2m1, in_float4_e2m1, elems * 4, stream) ||
           copy(out_int64, in_int64, elems * 64, stream) ||
           copy(out_int32, in_int32, elems * 32, stream) ||
           copy(out_int16, in_int16, elems * 16, stream) ||
           copy(out_int8, in_int8, elems * 8, stream) || copy(out_bool, in_bool, elems * 8, stream);
}
