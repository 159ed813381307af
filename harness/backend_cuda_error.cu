#include "harness/backend_cuda_error.h"

#include <cuda_runtime.h>
#include <stdarg.h>
#include <stdio.h>

#include "harness/backend.h"

void tm_cuda_say(char *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, TM_BACKEND_ERROR_BYTES, format, arguments);
    va_end(arguments);
}

bool tm_cuda_passed(int status, const char *call, char *error) {
    if (status == cudaSuccess)
        return true;
    tm_cuda_say(error, "%s: %s: %s", call, cudaGetErrorName((cudaError_t)status),
                cudaGetErrorString((cudaError_t)status));
    (void)cudaGetLastError();
    return false;
}
