/* ceilings: how fast the device itself is: what a kernel's time is held against.
 *
 * Two implementations, CPU and CUDA; tm-ceilings is linked with one of them and makes
 * build/ceilings.json of it. Deliberately does not know: workloads, solutions, verdicts. */
#ifndef TM_CEILINGS_H
#define TM_CEILINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TM_CEILINGS_ERROR_BYTES 512

/* Of one device. 0 stands for "not known" everywhere. */
typedef struct {
    double copy_bytes_per_s; /* bytes read and written; a GPU: best size, median of its runs */
    double read_bytes_per_s; /* the same of reading alone */
    double most_bytes_per_s; /* nothing moves more; the fastest run of all, and a margin */
    int64_t cache_bytes;     /* of the last cache: as much of the outputs may stay in there */
    /* Of a matrix product of this dtype, and what none reaches. */
    double operations_per_s[TM_DTYPE_COUNT];
    double most_operations_per_s[TM_DTYPE_COUNT];
} tm_ceilings;

/* Measures device number `index`. False with a message. */
bool tm_ceilings_measure(int index, tm_ceilings *ceilings, char *error);

/* The median of an odd number of times; sorts them. */
double tm_ceilings_median(double *seconds, size_t count);

#ifdef __cplusplus
}
#endif

#endif
