/* ceilings_cublaslt: the rate of a matrix product by cuBLASLt, which is loaded when it is wanted,
 * so that nothing of tracemill needs it. */
#ifndef TM_CEILINGS_CUBLASLT_H
#define TM_CEILINGS_CUBLASLT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tm_cublaslt tm_cublaslt;

/* NULL with a message when the library cannot be had. Closed by tm_cublaslt_close. */
tm_cublaslt *tm_cublaslt_open(char *error, size_t size);
void tm_cublaslt_close(tm_cublaslt *lt);

/* Prepares C = A × B with square operands of `order` rows, A and B of `dtype`, summed in float32
 * (float32 itself: in TF32 where the device has it). False when the library or the device has
 * none of this dtype. */
bool tm_cublaslt_prepare(tm_cublaslt *lt, tm_dtype dtype, int order, size_t workspace_bytes);
/* Puts the prepared product on a stream (a cudaStream_t). */
bool tm_cublaslt_multiply(tm_cublaslt *lt, const void *a, const void *b, void *c, void *workspace,
                          void *stream);

#ifdef __cplusplus
}
#endif

#endif
