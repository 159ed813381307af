/* backend_cuda_error: what went wrong in a call of the CUDA runtime, in words. Compiles without
 * CUDA headers. */
#ifndef TM_BACKEND_CUDA_ERROR_H
#define TM_BACKEND_CUDA_ERROR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Into TM_BACKEND_ERROR_BYTES at `error`. */
void tm_cuda_say(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* True when `status`, a cudaError_t, is success; else says which call failed and how. Reporting an
 * error takes it off the runtime's pending error; a sticky one comes back with every later call. */
bool tm_cuda_passed(int status, const char *call, char *error);

#ifdef __cplusplus
}
#endif

#endif
