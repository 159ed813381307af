/* sidecar: every sample of a cell, in a file beside its trace.
 *
 * Format: docs/FORMATS.md. Deliberately does not know what the samples say. */
#ifndef TM_SIDECAR_H
#define TM_SIDECAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/diag.h"

/* The samples of a trial, in the order in which they were taken (tm_stats_of sorts: copy first). */
typedef struct {
    const double *device_ns, *marks_ns, *wall_ns; /* NULL: not measured */
    size_t count;                                 /* of each */
    int64_t activities;                           /* that the device recorded; 0: none */
} tm_samples;

/* Where the samples of the trace at `trace_path` are. Lives in the arena. */
const char *tm_sidecar_path(const char *trace_path, tm_arena *arena);

/* Writes the samples of these trials, or removes what an earlier run left when there are none.
 * False after appending an error. */
bool tm_sidecar_write(const char *trace_path, const tm_samples *trials, size_t count,
                      tm_arena *arena, tm_diag *diag);

#endif
