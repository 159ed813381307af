/* tracemill.h: what a native solution sees. Included by every generated contract.h; C11, C++17 and
 * CUDA. Nothing here needs to be linked. */
#ifndef TRACEMILL_H
#define TRACEMILL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
#define TM_SOLUTION extern "C" __attribute__((visibility("default")))
#else
#define TM_SOLUTION __attribute__((visibility("default")))
#endif

/* Element types. Under nvcc they are CUDA's own, elsewhere the stored bits. */
#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
typedef __half tm_float16;
typedef __nv_bfloat16 tm_bfloat16;
typedef __nv_fp8_e4m3 tm_float8_e4m3fn;
typedef __nv_fp8_e5m2 tm_float8_e5m2;
#else
typedef struct {
    uint16_t bits;
} tm_float16;
typedef struct {
    uint16_t bits;
} tm_bfloat16;
typedef struct {
    uint8_t bits;
} tm_float8_e4m3fn;
typedef struct {
    uint8_t bits;
} tm_float8_e5m2;
#endif
typedef float tm_float32;
/* Two elements per byte, the even one in the low half; shapes count elements. */
typedef struct {
    uint8_t bits;
} tm_float4_e2m1;
typedef int64_t tm_int64;
typedef int32_t tm_int32;
typedef int16_t tm_int16;
typedef int8_t tm_int8;
typedef uint8_t tm_bool;

/* The stream to launch on: a cudaStream_t on the CUDA backend, NULL on the CPU. */
#if defined(__CUDACC__)
typedef cudaStream_t tm_stream;
#else
typedef void *tm_stream;
#endif

/* For `return tm_fail(3, "workspace: %s", reason);`: the message reaches the cell's log. */
static inline int tm_fail(int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return code;
}

#endif
