/* rows: which workloads of a definition --workloads selects. Deliberately does not know
 * whether blobs are on disk, or whether a row can run. */
#ifndef TM_ROWS_H
#define TM_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "gen/recipe.h"
#include "lib/arena.h"
#include "lib/workload.h"

/* One row to be planned. */
typedef struct {
    const tm_workload *workload;
    size_t dataset;          /* whose root blob paths start from */
    const tm_recipe *recipe; /* what its blobs are made from; NULL: the dataset has them, or none */
    bool synthesized;        /* the recipe is not its author's: --synthesize-blobs */
} tm_row;

/* Whether `selection` ("smoke", "all", or a comma list of UUIDs) may have this row. */
bool tm_rows_selected(const char *selection, const char *uuid);
/* Cuts the rows of a definition down to what the smoke selection takes of them: the smallest by
 * bytes, only one where the smallest is already large, and none where even that is too large for a
 * smoke test. The number of rows that are left. */
size_t tm_rows_keep_smoke(tm_arena *arena, tm_row *rows, size_t count);

#endif
