/* backend_cuda_error: what went wrong in a call of the CUDA runtime, in words. Included by the CUDA
 * backend's files only. */
#ifndef TM_BACKEND_CUDA_ERROR_H
#define TM_BACKEND_CUDA_ERROR_H

#include <cuda_runtime.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "harness/backend.h"

__attribute__((format(printf, 2, 3))) static inline void tm_cuda_say(char *error,
                                                                     const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, TM_BACKEND_ERROR_BYTES, format, arguments);
    va_end(arguments);
}

/* True on success; else says which call failed and how. Reporting an error takes it off the
 * runtime's pending error; a sticky one comes back with every later call. */
static inline bool tm_cuda_passed(cudaError_t status, const char *call, char *error) {
    if (status == cudaSuccess)
        return true;
    tm_cuda_say(error, "%s: %s: %s", call, cudaGetErrorName(status), cudaGetErrorString(status));
    (void)cudaGetLastError();
    return false;
}

#endif
