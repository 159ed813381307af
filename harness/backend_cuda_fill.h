/* backend_cuda_fill: the harness's own kernels: a byte pattern, random elements, counts, a
 * hash.
 *
 * Work is queued on the stream and not waited for. Results are those of cudaLaunchKernel (a
 * cudaError_t, 0 is success), so that an error that somebody else left pending stays where it is.
 * Compiles without CUDA headers. Deliberately does not know: backends, messages, the clock. */
#ifndef TM_BACKEND_CUDA_FILL_H
#define TM_BACKEND_CUDA_FILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/random_form.h"

#ifdef __cplusplus
extern "C" {
#endif

struct CUstream_st;

/* Byte k of `device` becomes byte k % 4 of the little-endian `pattern`; any address, any size. At
 * most `grid_max` thread blocks. */
int tm_backend_cuda_fill_pattern(struct CUstream_st *stream, int64_t grid_max, void *device,
                                 uint32_t pattern, size_t bytes);
/* The units of `form` in `device` whose index is `phase` modulo `stride`, where phase < stride,
 * become those of lib/random.h and harness/random_rows.h for (seed, tensor); the unused half of
 * a last float4 byte becomes 0. */
int tm_backend_cuda_fill_random(struct CUstream_st *stream, int64_t grid_max, void *device,
                                const tm_random_form *form, uint64_t seed, uint32_t tensor,
                                uint32_t phase, uint32_t stride);
/* Adds one to counts[i % rows][sample i] of rows of vocabulary + 1, the last of which is for
 * samples outside of [0, vocabulary); samples are int64 or int32. */
int tm_backend_cuda_fill_count(struct CUstream_st *stream, int64_t grid_max, unsigned *counts,
                               const void *samples, bool is_wide, int64_t sample_count,
                               int64_t rows, int64_t vocabulary);
/* Adds to the word at `sum` what the words of harness/hash.h in `device` add. */
int tm_backend_cuda_fill_hash(struct CUstream_st *stream, int64_t grid_max, const void *device,
                              size_t bytes, unsigned long long *sum);

#ifdef __cplusplus
}
#endif

#endif
