/* gate_markdown: the gate's verdict for a pull request. */
#ifndef TM_REPORTS_GATE_MARKDOWN_H
#define TM_REPORTS_GATE_MARKDOWN_H

#include "lib/arena.h"
#include "reports/gate.h"

/* gate.md: what failed first, then what changed, what cannot be told, new and gone cells folded. At
 * most 100 lines of each, as a comment on GitHub holds 65,536 characters. */
const char *tm_gate_markdown_format(tm_arena *arena, const tm_gate *gate);

#endif
