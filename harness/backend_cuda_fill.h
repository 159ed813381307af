/* backend_cuda_fill: the harness's own kernels: a byte pattern, random elements, a hash.
 *
 * Work is queued on the stream and not waited for. Results are those of cudaLaunchKernel (a
 * cudaError_t, 0 is success), so that an error that somebody else left pending stays where it is.
 * Compiles without CUDA headers. Deliberately does not know: backends, messages, the clock. */
#ifndef TM_BACKEND_CUDA_FILL_H
#define TM_BACKEND_CUDA_FILL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct CUstream_st;

/* Byte k of `device` becomes byte k % 4 of the little-endian `pattern`; any address, any size. At
 * most `grid_max` thread blocks. */
int tm_backend_cuda_fill_pattern(struct CUstream_st *stream, int64_t grid_max, void *device,
                                 uint32_t pattern, size_t bytes);
/* Of the elements [0, elems) of `device` those in blocks whose index is `phase` modulo `stride`
 * become those of lib/random.h for (seed, tensor, dtype), where phase < stride; the unused half
 * of a last float4 byte becomes 0. `dtype` is a tm_dtype. */
int tm_backend_cuda_fill_random(struct CUstream_st *stream, int64_t grid_max, void *device,
                                int dtype, int64_t elems, uint64_t seed, uint32_t tensor,
                                uint32_t phase, uint32_t stride);
/* Adds to the word at `sum` what the words of harness/hash.h in `device` add. */
int tm_backend_cuda_fill_hash(struct CUstream_st *stream, int64_t grid_max, const void *device,
                              size_t bytes, unsigned long long *sum);

#ifdef __cplusplus
}
#endif

#endif
