/* rank: authors and solutions against each other, over the baseline and over the reference.
 *
 * ranking.h says how they are scored. */
#ifndef TM_REPORTS_RANK_H
#define TM_REPORTS_RANK_H

#include "lib/arena.h"
#include "reports/model.h"
#include "reports/terminal.h"

/* Two tables of authors, one per base, and one of solutions; in the arena. */
const char *tm_rank_text(tm_arena *arena, const tm_model *model, const tm_terminal *terminal);
/* The same as JSON (docs/FORMATS.md: Views); caller frees. */
char *tm_rank_json(tm_arena *arena, const tm_model *model);

#endif
