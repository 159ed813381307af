/* best: which solution to take for each definition, ours and flashinfer-bench's answer.
 *
 * score.h says how the two choose. Speedups over the reference and over the author "baseline" are
 * kept apart. */
#ifndef TM_REPORTS_BEST_H
#define TM_REPORTS_BEST_H

#include "lib/arena.h"
#include "reports/model.h"
#include "reports/terminal.h"

/* A line per definition, in the arena. */
const char *tm_best_text(tm_arena *arena, const tm_model *model, const tm_terminal *terminal);
/* The same as JSON (docs/FORMATS.md: Views); caller frees. */
char *tm_best_json(tm_arena *arena, const tm_model *model);

#endif
