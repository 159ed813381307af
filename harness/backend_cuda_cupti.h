/* backend_cuda_cupti: when the device was busy, by CUPTI's activity records of kernels, copies and
 * fills.
 *
 * The library is loaded at run time; where it is not to be had, or another profiler holds it, the
 * caller goes on with events alone. Deliberately does not know streams or solutions. */
#ifndef TM_BACKEND_CUDA_CUPTI_H
#define TM_BACKEND_CUDA_CUPTI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Everything the device did in one window of time. */
typedef struct {
    double span_ns;    /* first start to last end; 0 when nothing ran */
    size_t activities; /* kernels, copies and fills */
} tm_cupti_window;

/* Starts recording in this process. False with a message in `error` (of `size` bytes). */
bool tm_cupti_start(char *error, size_t size);
/* Ends recording; safe without a start. */
void tm_cupti_stop(void);
/* The version of the library as it counts itself, such as "130000" or "24". False where none was
 * loaded by tm_cupti_start. */
bool tm_cupti_version(char *text, size_t size);
/* What ran since a kernel whose (mangled) name holds `last_kernel`: since the one that the caller
 * launched last, which was number `launches` since the last window. The device was idle before it
 * went on from there, and is idle again. False with a message, also when records were lost. */
bool tm_cupti_end(const char *last_kernel, size_t launches, tm_cupti_window *window, char *error,
                  size_t size);

#ifdef __cplusplus
}
#endif

#endif
