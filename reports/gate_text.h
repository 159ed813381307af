/* gate_text: the gate's verdict in the terminal. */
#ifndef TM_REPORTS_GATE_TEXT_H
#define TM_REPORTS_GATE_TEXT_H

#include "lib/arena.h"
#include "reports/gate.h"

/* A table of the cells that are not SAME, NEW or GONE, at most 40; what was compared; counts. */
const char *tm_gate_text_format(tm_arena *arena, const tm_gate *gate);
/* A workflow command of GitHub Actions for each cell that fails (`::error title=...::...`), a
 * notice with the counts. */
const char *tm_gate_text_annotations(tm_arena *arena, const tm_gate *gate);

#endif
