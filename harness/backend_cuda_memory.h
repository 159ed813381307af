/* backend_cuda_memory: device memory with a guard behind, and copies between it and the host.
 *
 * The functions are those of harness/backend.h of the same names. Deliberately does not know: what
 * the memory holds, the clock. Compiles without CUDA headers. */
#ifndef TM_BACKEND_CUDA_MEMORY_H
#define TM_BACKEND_CUDA_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct CUstream_st;
typedef struct tm_cuda_memory tm_cuda_memory;

/* For the device that is selected; all work goes to `stream`, borrowed. NULL with a message. */
tm_cuda_memory *tm_cuda_memory_open(int device, struct CUstream_st *stream, char *error);
void tm_cuda_memory_close(tm_cuda_memory *memory);

void *tm_cuda_memory_alloc(tm_cuda_memory *memory, size_t bytes, char *error);
/* Waits for the device, so that no kernel still writes to what the next cell gets. */
void tm_cuda_memory_free(tm_cuda_memory *memory, void *device);
bool tm_cuda_memory_upload(tm_cuda_memory *memory, void *device, const void *host, size_t bytes,
                           char *error);
bool tm_cuda_memory_download(tm_cuda_memory *memory, void *host, const void *device, size_t bytes,
                             char *error);
bool tm_cuda_memory_download_parts(tm_cuda_memory *memory, void *host, const void *device,
                                   const uint64_t *begins, size_t count, size_t bytes, char *error);
bool tm_cuda_memory_copy(tm_cuda_memory *memory, void *to, const void *from, size_t bytes,
                         char *error);
bool tm_cuda_memory_pin(tm_cuda_memory *memory, void *host, size_t bytes, char *error);
void tm_cuda_memory_unpin(tm_cuda_memory *memory, const void *host);

#ifdef __cplusplus
}
#endif

#endif
