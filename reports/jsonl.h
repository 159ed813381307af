/* jsonl: the traces in the FlashInfer-Trace layout.
 *
 * <out>/traces/<author>/<op_type>/<definition>.jsonl holds one trace object per line, its text as
 * read but for spaces. VOID cells are left out: their `evaluation` is null while they name a
 * solution, and flashinfer-bench (Trace.is_successful, 40e6ca78) fails on such a row; report.json
 * has them. The folder <out>/traces belongs to this module: *.jsonl at that depth which is not of
 * this run is removed, and folders that become empty with it. */
#ifndef TM_REPORTS_JSONL_H
#define TM_REPORTS_JSONL_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/node.h"
#include "lib/text.h"
#include "reports/model.h"

/* Writes and removes files; unchanged ones stay untouched. False after appending an error. */
bool tm_jsonl_write(tm_arena *arena, const tm_model *model, const char *out, tm_diag *diag);
/* <out>/traces/<author>/<op_type>/<definition>.jsonl. In the arena. */
const char *tm_jsonl_path(tm_arena *arena, const char *out, const char *author, const char *op_type,
                          const char *definition);
/* Appends a trace object as one row. */
void tm_jsonl_add_row(tm_text *text, const tm_node *node);

#endif
