/* blobs: whether the safetensors files that a workload names are there and fit its definition.
 *
 * A file is opened once, however many rows name it. Deliberately does not read tensor data. */
#ifndef TM_BLOBS_H
#define TM_BLOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/workload.h"

typedef struct tm_blobs tm_blobs;

tm_blobs *tm_blobs_create(tm_arena *arena, tm_diag *diag);
/* NULL when every blob of the row is there and fits; else why the row has no cells. `missing` says
 * whether that is because one is not on disk. A blob that is there and does not fit also appends an
 * error at the place that names it. */
const char *tm_blobs_check(tm_blobs *blobs, const tm_workload *workload, const char *root,
                           bool *missing);
/* Every file or folder that was looked at, for the depfile. */
size_t tm_blobs_inputs(const tm_blobs *blobs, const char ***paths);

#endif
