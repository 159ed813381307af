/* recipe_row: whether a row's missing blobs are made, and from which recipe.
 *
 * A row that writes `tracemill.recipe` says so itself; with --synthesize-blobs every other row gets
 * the defaults. Where one of a row's blobs is missing all are made, for they belong together.
 * Deliberately does not look at the disk. */
#ifndef TM_RECIPE_ROW_H
#define TM_RECIPE_ROW_H

#include <stdbool.h>

#include "gen/rows.h"
#include "lib/arena.h"
#include "lib/diag.h"

/* Checks what the row writes, and sets its recipe when its blobs are `missing`. NULL, or why the
 * row has no cells: nothing makes the missing blobs, or its own recipe has faults, which append
 * errors. */
const char *tm_recipe_row_plan(tm_row *row, bool missing, bool synthesize, tm_arena *arena,
                               tm_diag *diag);

#endif
