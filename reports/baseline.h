/* baseline: the traces of an earlier run, wherever they are kept.
 *
 * A folder with traces/ or build/ in it, such as a build folder, an artifact or a FlashInfer-Trace
 * dataset; or the traces' own: one JSON file per cell, with samples beside it, or JSON Lines.
 * Deliberately does not know what is planned now. */
#ifndef TM_REPORTS_BASELINE_H
#define TM_REPORTS_BASELINE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/trace.h"

typedef struct {
    const char *uuid;
    tm_trace trace;           /* no NULL strings */
    const char *samples_path; /* where samples may be, or NULL */
} tm_baseline_cell;

typedef struct {
    const char *path;        /* where the traces were found */
    const char *newest;      /* the latest timestamp, or "" */
    tm_baseline_cell *cells; /* sorted by definition, solution, uuid; each once */
    size_t count;
    size_t broken; /* files or rows that should be traces and are not */
} tm_baseline;

/* The baseline in the arena; of traces of one cell the one with the latest timestamp. False after
 * an error: nothing there, or no trace. */
bool tm_baseline_read(tm_arena *arena, const char *folder, tm_diag *diag, tm_baseline *baseline);
/* The cell, or NULL. Borrows. */
const tm_baseline_cell *tm_baseline_find(const tm_baseline *baseline, const char *definition,
                                         const char *solution, const char *uuid);

#endif
