/* load: the plan and the traces of its cells, as one model.
 *
 * Reads `plan.json` (written by tm-gen; docs/FORMATS.md) and each planned cell's trace at
 * tm_layout_trace. A missing trace is a cell that was not run. A file that is no trace, or one of
 * another definition, solution or workload, makes its cell broken and appends an error. */
#ifndef TM_REPORTS_LOAD_H
#define TM_REPORTS_LOAD_H

#include "lib/arena.h"
#include "lib/diag.h"
#include "reports/model.h"

typedef enum {
    TM_LOAD_OK,
    TM_LOAD_BROKEN_PLAN,   /* no model */
    TM_LOAD_BROKEN_TRACES, /* a model with broken cells */
    TM_LOAD_UNREADABLE     /* the operating system refused a file; the model may be NULL */
} tm_load_result;

/* The model in the arena. `build` is the folder where ninja ran, to which trace paths are relative.
 * Everything but TM_LOAD_OK has appended at least one error. */
tm_load_result tm_load_model(tm_arena *arena, const char *plan_path, const char *build,
                             tm_diag *diag, const tm_model **model);

#endif
