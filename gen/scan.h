/* scan: reads datasets from disk into models, and remembers every file and folder that was looked
 * at, so that the next ninja notices what was added, removed or edited.
 *
 * A broken file appends its errors and is left out; the rest goes on. Deliberately does not know
 * which cells follow from the models. */
#ifndef TM_SCAN_H
#define TM_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "gen/options.h"
#include "lib/arena.h"
#include "lib/definition.h"
#include "lib/diag.h"
#include "lib/solution.h"
#include "lib/workload.h"

typedef struct {
    const tm_definition *definition;
    const tm_workload **workloads; /* in the order of the files; UUIDs are unique */
    size_t workload_count, workload_capacity;
    size_t *workload_datasets; /* the dataset of each, whose root blob paths start from */
} tm_scanned_definition;

/* Where a solution's own files lie: below a dataset, or below the source tree's kernels/. */
typedef struct {
    const tm_solution *solution;
    const char *ninja_folder; /* "$dataset0/solutions/...", "$srcdir/kernels/..." */
    size_t tree;              /* 0: the source tree; i + 1: dataset i */
} tm_scanned_solution;

typedef struct {
    tm_scanned_definition *definitions; /* sorted by name */
    size_t definition_count;
    const char **broken; /* names of definitions whose files have errors, in the order of files */
    size_t broken_count, broken_capacity;
    tm_scanned_solution *solutions; /* in the order of the files */
    size_t solution_count;
    const char **inputs; /* every file and folder that was read, for the depfile */
    size_t input_count, input_capacity;
    size_t workload_rows; /* rows read, good or bad */
} tm_scan;

/* Reads everything. Errors are in `diag`; the result holds what is good. */
tm_scan *tm_scan_read(const tm_options *options, tm_arena *arena, tm_diag *diag);

/* The definition of that name, or NULL. */
tm_scanned_definition *tm_scan_find(const tm_scan *scan, const char *name);
/* The definition's name that is nearest to one that is not there, or NULL. Borrows from the scan.
 */
const char *tm_scan_nearest(const tm_scan *scan, const char *name, tm_arena *arena);
/* Whether a definition of that name is missing only because its file has errors. */
bool tm_scan_is_broken(const tm_scan *scan, const char *name);

#endif
