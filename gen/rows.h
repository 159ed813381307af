/* rows: which workloads of a definition --workloads selects. Deliberately does not know blobs, or
 * whether a row can run. */
#ifndef TM_ROWS_H
#define TM_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/workload.h"

/* The rows of one definition, in the order of the files. */
typedef struct {
    const tm_workload **items;
    size_t *datasets; /* the dataset of each, whose root blob paths start from */
    size_t count;
} tm_rows;

/* Whether `selection` ("smoke", "all", or a comma list of UUIDs) may have this row. */
bool tm_rows_selected(const char *selection, const char *uuid);
/* Cuts the rows down to what the smoke selection takes of each definition: the smallest by bytes,
 * and only one of a definition whose smallest is already large. */
void tm_rows_keep_smoke(tm_arena *arena, tm_rows *rows);

#endif
