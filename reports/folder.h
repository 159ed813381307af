/* folder: any folder with traces as a model, ours or one that flashinfer-bench wrote.
 *
 * Where a build folder has its plan the model is that of load.h. Otherwise it is what the traces
 * tell: a definition has the workloads that any trace of it names, and a solution without a trace
 * of one has not run there; what was not planned, and what would repeat a cell, nobody knows. The
 * author of a solution comes from its file below solutions/, else from its trace, else from the
 * path; the op_type likewise, from definitions/. Several traces of a cell: TM_BASELINE_SCORED. */
#ifndef TM_REPORTS_FOLDER_H
#define TM_REPORTS_FOLDER_H

#include "lib/arena.h"
#include "lib/diag.h"
#include "reports/baseline.h"
#include "reports/load.h"
#include "reports/model.h"

/* The model in the arena, `path` being what messages call FOLDER: a build folder, its build/traces
 * or report, an artifact, a FlashInfer-Trace dataset, or traces alone; NULL: the build folder that
 * is the current one. Everything but TM_LOAD_OK has appended at least one error; the model is NULL
 * when there is no trace. */
tm_load_result tm_folder_load(tm_arena *arena, const char *path, tm_diag *diag,
                              const tm_model **model);
/* The build folder of the model, where its commands are to be run and its paths begin: `path`, or
 * the current one. In the arena. */
const char *tm_folder_build(tm_arena *arena, const char *path);
/* The model with only the definitions that `globs` (comma-separated) match; NULL after an error:
 * none. */
const tm_model *tm_folder_select(tm_arena *arena, const tm_model *model, const char *globs,
                                 tm_diag *diag);

/* One of the traces of a folder, and whose it is. */
typedef struct {
    const tm_baseline_cell *cell;
    const char *author, *op_type;
} tm_folder_trace;

typedef struct {
    const char *path; /* where they were found */
    const tm_folder_trace *traces;
    size_t count;
    bool is_refused; /* not all could be read; an error tells */
    size_t broken;   /* baseline.h */
    const char *broken_why;
} tm_folder_traces;

/* Every trace of the folder, also where several are of one cell. In the arena. False after an
 * error: there is none. */
bool tm_folder_read(tm_arena *arena, const char *path, tm_diag *diag, tm_folder_traces *traces);

/* Why a cell failed: the trace's reason or, where only its log tells, the last line of that; "" of
 * one that passed. */
const char *tm_folder_reason(tm_arena *arena, const tm_trace *trace);

#endif
